// Loaded before a client that has the public network's hosts built in (node --import): fetch reaches the network of
// WEFT_HOSTS instead, a JSON object of URLs by host name, as a hosts file and a proxy would do it. The client is not
// changed. A host that is not listed fails by its name.
const hosts = JSON.parse(process.env.WEFT_HOSTS)
const there = globalThis.fetch

globalThis.fetch = (resource, options) => {
  const url = new URL(resource instanceof Request ? resource.url : resource)
  const here = hosts[url.hostname]
  if (!here) throw new Error(`the client wants ${url.hostname}, which WEFT_HOSTS does not have`)
  const target = new URL(url.pathname + url.search, here)
  return there(resource instanceof Request ? new Request(target, resource) : target, options)
}
