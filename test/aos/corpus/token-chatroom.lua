return 1
--@ blueprint chatroom
--@ message {"Action":"Register"} {"From":"a"}
--@ message {"Action":"Register"} {"From":"b"}
--@ message {"Action":"Broadcast"} {"From":"a","Data":"hello all"}
--@ message {"Action":"Unregister"} {"From":"b"}
--@ message {"Action":"Broadcast"} {"From":"b","Data":"bye"}
