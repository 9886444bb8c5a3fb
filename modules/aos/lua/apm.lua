-- apm: packages from a registry, by messages. It answers to its registry only. require('.apm') puts its handlers in place.
local json = require('json')
local hex = require('.crypto.utils.hex')
local _, native = ...

local previous = _G.apm or {}

local apm = {
  _version = "2.0.6",
  ID = previous.ID or "DKF8oXtPvh3q8s0fJFIeHFyHNM6oKrwMCUrPxEMroak",
  installed = previous.installed or {},
}

local VENDOR = "@apm"

-- [@vendor/]package[@1.2.3 or @id] in its three parts.
local function parse(name)
  local rest, vendor = name, VENDOR
  if name:sub(1, 1) == '@' then
    vendor, rest = name:match('^(@[^/]*)/(.+)$')
    assert(vendor and vendor:match('^@[%w%-_]+$'), 'Invalid vendor name')
  end
  local package_name, version = rest:match('^([^@]*)@?(.*)$')
  assert(package_name:match('^[%w%-_]+$'), 'Invalid package name')
  if version == '' then return vendor, package_name, nil end
  assert(version:match('^%d+%.%d+%.%d+$') or (#version == 43 and version:match('^[%w%-_]+$')), 'Invalid version')
  return vendor, package_name, version
end

-- What a package is called in require: without the default vendor.
local function loaded_name(full)
  return (full:gsub('^' .. VENDOR .. '/', ''))
end

local function ask(action, data)
  Send({ Target = apm.ID, Action = action, Data = data })
end

function apm.install(name)
  assert(type(name) == 'string', 'Invalid package name')
  local vendor, package_name, version = parse(name)
  local full = vendor .. '/' .. package_name
  ask('APM.Download', full .. (version and '@' .. version or ''))
  return "📦 Download requested for " .. full .. (version and '@' .. version or '')
end

function apm.uninstall(name)
  assert(type(name) == 'string', 'Invalid package name')
  local vendor, package_name = parse(name)
  local full = vendor .. '/' .. package_name
  assert(apm.installed[full], 'Package not installed')
  apm.installed[full] = nil
  package.loaded[loaded_name(full)] = nil
  return "🗑️ Uninstalled " .. full
end

function apm.search(query)
  assert(type(query) == 'string' and query ~= '', 'No search query provided')
  ask('APM.Search', query)
  return "🔍 Search requested for " .. query
end

function apm.info(query)
  assert(type(query) == 'string' and query ~= '', 'No info query provided')
  ask('APM.Info', query)
  return "📦 Info requested for " .. query
end

function apm.update()
  ask('APM.Update')
  return "📦 Update requested"
end

-- Runs Lua that came as hexadecimal text; what it returns.
local function load_package(name, data)
  local func, err = native.load(hex.hexToString(data), name, _G)
  assert(func, err)
  return func()
end

-- Takes a new package manager in place of this one.
function apm.replace(data)
  local newer = load_package('.apm', data)
  if type(newer) == 'table' then
    for key, value in pairs(newer) do apm[key] = value end
  end
  print("📦 APM is up to date")
end

local function dependencies_of(msg)
  local ok, list = pcall(json.decode, msg.Tags.Dependencies or '{}')
  return ok and type(list) == 'table' and list or {}
end

local function on_download(msg)
  local full, version = msg.Tags.Name, msg.Tags.Version
  assert(type(full) == 'string' and type(version) == 'string', 'No name or version in the answer')
  if full:sub(1, 1) ~= '@' then full = VENDOR .. '/' .. full end
  local name = loaded_name(full)
  package.loaded[name] = load_package(name, msg.Data)
  apm.installed[full] = version
  print("✅ Downloaded " .. full .. "@" .. version)
  for dependency, wanted in pairs(dependencies_of(msg)) do
    if type(dependency) == 'string' and not apm.installed[dependency] then
      apm.install(type(wanted) == 'table' and wanted.version and dependency .. '@' .. wanted.version or dependency)
    end
  end
end

local function on_search(msg)
  local found = type(msg.Data) == 'table' and msg.Data or json.decode(msg.Data)
  local lines = {}
  for _, entry in ipairs(found) do
    lines[#lines + 1] = Colors.green .. tostring(entry.Name) .. Colors.reset .. "  " .. tostring(entry.Description or '')
  end
  print(#lines > 0 and table.concat(lines, '\n') or "No packages found")
end

local function on_info(msg)
  print(type(msg.Data) == 'table' and msg.Data or json.decode(msg.Data))
end

local function on_update(msg)
  apm.replace(msg.Data)
end

-- A failure is told to both sides.
local function guarded(action, handle)
  Handlers.add(action, function (msg) return msg.Action == action and msg.From == apm.ID end, function (msg)
    local ok, err = pcall(handle, msg)
    if ok then return end
    print(action .. " - " .. tostring(err))
    Send({ Target = msg.From, Data = tostring(err), Result = "error" })
  end)
end

guarded('APM.DownloadResponse', on_download)
guarded('APM.SearchResponse', on_search)
guarded('APM.InfoResponse', on_info)
guarded('APM.UpdateResponse', on_update)

return apm
