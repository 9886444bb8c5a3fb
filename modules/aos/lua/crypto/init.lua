-- Digests, ciphers, message authentication, key derivation. A stream is a function that gives the next byte or nil; an
-- array is a list of bytes; results have asHex(), asString() and mostly asBytes().
return {
  _version = "0.0.1",
  digest = require('.crypto.digest.init'),
  cipher = require('.crypto.cipher.init'),
  mac = require('.crypto.mac.init'),
  kdf = require('.crypto.kdf.init'),
  utils = require('.crypto.utils.init'),
  random = require('.crypto.cipher.issac').random,
}
