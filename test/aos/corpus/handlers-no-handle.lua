Handlers.add('nohandle', 'N', nil)
--@ message {"Action":"N"}
