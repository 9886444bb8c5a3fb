return {
  _version = "0.0.1",
  array = require('.crypto.utils.array'),
  bit = bit32,
  hex = require('.crypto.utils.hex'),
  queue = require('.crypto.utils.queue'),
  stream = require('.crypto.utils.stream'),
}
