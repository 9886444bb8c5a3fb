// The scripts of corpus/, run on the published module (as a black box) and on ours: the answers must be equal under the rules of
// golden/aos-cases-compare.mjs, except where corpus/differences.json says why not; what it lists must differ.
//
// A script is the steps of a process after its process message: code up to the first mark is one Eval, and
//   --@ eval                          begins another
//   --@ message {tags} {fields}       is a message; From may be "user", "owner", "process", "authority"
//   --@ blueprint NAME                is an Eval of our blueprint, in both modules
// corpus.mjs [-v] [NAME...]: -v shows what ours answers.
import { readFileSync, readdirSync } from 'node:fs'
import path from 'node:path'
import { pathToFileURL } from 'node:url'
import { Session, Tally, blueprint, boot, env, evaluate, ids, message, need, ours, published, restart, root, testdata } from './session.mjs'

need(published, 'npm install in test/ brings it')
const rules = need(path.join(testdata, 'golden/aos-cases-compare.mjs'), 'set WEFT_TESTDATA')
const { compareStep } = await import(pathToFileURL(rules))
const folder = path.join(root, 'test/aos/corpus')
const listed = JSON.parse(readFileSync(path.join(folder, 'differences.json'), 'utf8'))

const names = { user: ids.user, owner: ids.owner, process: ids.process, authority: ids.authority }

function fields (text) {
  const rest = text ? JSON.parse(text) : {}
  if (rest.From) rest.From = names[rest.From] || rest.From
  if (rest.From === ids.process) rest.Owner = ids.authority
  if (rest.Owner) rest.Owner = names[rest.Owner] || rest.Owner
  return rest
}

// The two JSON objects of a message line.
function splitObjects (line) {
  let depth = 0; let quoted = false
  for (let i = 0; i < line.length; i++) {
    if (line[i] === '\\') { i++; continue }
    if (line[i] === '"') quoted = !quoted
    if (quoted) continue
    if (line[i] === '{') depth++
    if (line[i] === '}' && --depth === 0) return [line.slice(0, i + 1), line.slice(i + 1).trim()]
  }
  return ['{}', '']
}

function steps (text) {
  restart()
  const list = [boot()]
  let code = null
  const flush = () => { if (code !== null && code.trim()) list.push(evaluate(code.replace(/\n$/, ''))); code = null }
  code = ''
  for (const line of text.split('\n')) {
    const mark = line.match(/^--@ (\w+) ?(.*)$/)
    if (!mark) { if (code !== null) code += line + '\n'; continue }
    flush()
    if (mark[1] === 'eval') code = ''
    if (mark[1] === 'blueprint') list.push(evaluate(blueprint(mark[2])))
    if (mark[1] === 'message') {
      const [tags, rest] = splitObjects(mark[2])
      list.push(message(JSON.parse(tags), fields(rest)))
    }
  }
  flush()
  return list
}

const verbose = process.argv[2] === '-v'
const only = process.argv.slice(verbose ? 3 : 2)
const theirs = new Session(published)
const mine = new Session(ours)
const tally = new Tally()
for (const file of readdirSync(folder).filter(f => f.endsWith('.lua')).sort()) {
  const name = file.slice(0, -4)
  if (only.length && !only.includes(name)) continue
  theirs.reset()
  mine.reset()
  const text = readFileSync(path.join(folder, file), 'utf8')
  let differing = []
  for (const [i, msg] of steps(text).entries()) {
    const [expected, got] = await Promise.all([theirs.step(msg, env), mine.step(msg, env)])
    if (verbose) console.log(`${name}[${i}] ${JSON.stringify(got.response)}`)
    const found = compareStep({ expect: expected.response }, got.response, { blueprintCase: text.includes('--@ blueprint') })
    if (found.length) differing.push(`[${i}] ${found.join('\n   ')}`)
  }
  if (listed[name]) tally.check(name, differing.length > 0, 'listed in differences.json, but there is no difference')
  else tally.check(name, differing.length === 0, differing.join('\n'))
}
theirs.close()
mine.close()
tally.end()
