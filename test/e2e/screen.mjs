// Prints what a session of `weft console` looks like: node test/e2e/screen.mjs >docs/console.txt
import { execFile } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { Network, weft } from './network.mjs'
import { Terminal } from './terminal.mjs'

const home = await mkdtemp(join(tmpdir(), 'weft-screen-'))
const net = await Network.start()
const env = { PATH: process.env.PATH, WEFT_HOME: home, WEFT_PORT: String(net.port) }
const run = async (...args) => (await promisify(execFile)(weft, args, { env })).stdout.trim()
let terminal

try {
  await run('wallet', 'new', '--type', 'ed25519')
  const file = join(home, 'shop.lua')
  await writeFile(file, 'local prices = { tea = 3 }\n\nfunction price(what)\n  return prices[what] * 2\nend\n\nreturn price("coffee")\n')
  terminal = await Terminal.open([weft, 'console', 'shop'], { env: { ...env, HOME: home }, columns: 96, rows: 46 })
  await terminal.shows(/>$/m)
  await terminal.line('Stock = { tea = 12, cake = 4 }')
  await terminal.line('function sell(what)')
  await terminal.line('  Stock[what] = Stock[what] - 1')
  await terminal.line('  return Stock[what] .. " left"')
  await terminal.line('end')
  await terminal.line('sell("tea")')
  await terminal.shows('11 left')
  await terminal.line('sell("milk")')
  await terminal.shows('error:')
  await terminal.line(`.load ${file}`)
  await terminal.shows('shop.lua')
  await terminal.type('return "half a thou')
  const shop = await run('console', 'shop', '--run', 'return ao.id')
  const guest = await run('console', 'guest', '--run', 'return ao.id')
  await run('console', guest, '--run', `Send({ Target = '${shop}', Action = 'Order', Data = 'tea' })`)
  await terminal.shows('Action = Order')
  await terminal.line('ght"')
  await terminal.line('.inspect Inbox[#Inbox].Data')
  await terminal.shows(/\n"tea"\n/)
  await terminal.line('.trace')
  console.log((await terminal.shows(/cu {2}sends/)).replaceAll(`${home}/`, ''))
} finally {
  await terminal?.close()
  await net.clean()
  await rm(home, { recursive: true, force: true })
}
