return #Inbox
--@ message {"Action":"A"} {"From":"x"}
--@ message {} {"Data":"with\nnewline and\ttab"}
--@ message {"Action":"Ünïcödé-long-äction-näme"}
--@ message {} {"Data":"ünïcödé data that is long enough to cut"}
--@ message {"Action":""}
