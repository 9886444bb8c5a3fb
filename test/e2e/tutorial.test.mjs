// docs/tutorial.md, followed to the letter: its commands are run in its order in one shell, and print what stands below them.
import { after, before, test } from 'node:test'
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { Network, aosOurs, weft } from './network.mjs'

const tutorial = fileURLToPath(new URL('../../docs/tutorial.md', import.meta.url))
let net, directory

before(async () => {
  directory = await mkdtemp(join(tmpdir(), 'weft-tutorial-'))
  await symlink(join(dirname(aosOurs.file), '../..'), join(directory, 'build'))
  net = await Network.start()
}, { timeout: 120000 })

after(async () => {
  await net?.clean()
  await rm(directory, { recursive: true, force: true })
})

function shell(script) {
  return new Promise((done) => {
    const child = execFile('bash', ['--norc', '-e', '-o', 'pipefail', '-c', script], {
      cwd: directory, timeout: 240000,
      env: { PATH: `${dirname(weft)}:${process.env.PATH}`, WEFT_HOME: join(directory, 'home'), WEFT_PORT: String(net.port) }
    }, (error, stdout, stderr) => done({ code: error ? error.code ?? error.signal : 0, stdout, stderr }))
    child.stdin.end()
  })
}

// Fenced blocks: {kind: 'sh' | 'text' | 'lua', rest: 'chat.lua', body}
function blocks(markdown) {
  return [...markdown.matchAll(/^```(\w+) ?(.*)\n([^]*?)^```$/gm)].map(([, kind, rest, body]) => ({ kind, rest, body }))
}

test('the tutorial does what it says', async () => {
  const all = blocks(await readFile(tutorial, 'utf8'))
  const commands = all.map((block, i) => ({ ...block, prints: all[i + 1] })).filter(({ kind, rest }) => kind === 'sh' && rest !== 'elsewhere')
  for (const { kind, rest, body } of all) if (kind === 'lua') await writeFile(join(directory, rest), body)
  for (const { body, prints } of commands) assert.equal(prints?.kind, 'text', `what does this print?\n${body}`)

  // One shell, because later blocks use the variables of earlier ones; what each printed ends with a mark.
  const mark = '== end of a block ==\n'
  const { code, stdout, stderr } = await shell(commands.map(({ body }) => `${body}echo "${mark.trim()}"\n`).join(''))
  const printed = stdout.split(mark)
  for (const [i, { body, prints }] of commands.entries()) {
    const want = prints.body.split('…').map((part) => part.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')).join('.*')
    assert.match(printed[i] ?? 'nothing: the shell ended before', new RegExp(`^${want}$`), `${body}\n${stderr}`)
  }
  assert.equal(code, 0, stderr)
  assert.ok(commands.length >= 7)
})
