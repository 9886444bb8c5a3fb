// The recorded behaviour of the published aos module (golden/aos-cases.json), replayed against ours and compared under the rules
// of ref/aos-module.md 12. Cases of older versions are not ours to repeat; those marked as defects are checked in own.mjs for
// what we do instead. With --unit, through a compute unit instead of the engine alone: `impossible` has what none ever gives a module.
import { readFileSync } from 'node:fs'
import path from 'node:path'
import { pathToFileURL } from 'node:url'
import { UnitSession } from './unit.mjs'
import { Session, Tally, blueprint, ids, need, ours, testdata } from './session.mjs'

const file = need(path.join(testdata, 'golden/aos-cases.json'), 'set WEFT_TESTDATA')
const cases = JSON.parse(readFileSync(file, 'utf8'))
const { compareStep } = await import(pathToFileURL(path.join(testdata, 'golden/aos-cases-compare.mjs')))

const output = (step, other) => ({ ...step, expect: { ...step.expect, Output: { ...step.expect.Output, ...other } } })
const inbox = (step, count) => step.expect.Output.prompt.replace(/(Inbox:\x1b\[31m)\d+/, '$1' + count)
const bare = Object.entries({ 'Data-Protocol': 'ao', Type: 'Process', Module: ids.module }).map(([name, value]) => ({ name, value }))

// Steps that no unit gives a module as they were recorded: why, and, where there is such a thing, what is sent in their place and what
// of the answer is another then. The list is exact: a step that leaves it or comes to it fails the test.
const wrapped = ['a unit does not wrap the environment', s => ({ ...s, env: s.env.env })]
const first = 'a unit begins every process with its own message, once'
const short = 'ids have 43 letters, and every message a Timestamp'
const nameless = 'a process has the tags Data-Protocol, Type and Module'
const impossible = {
  'boot-no-name-tag[0]': [nameless, s => output({ ...s, msg: { ...s.msg, Tags: bare } }, { data: '' })],
  'boot-no-name-tag[1]': [nameless, s => output(s, { data: `aos|${ids.module}|0` })],
  'no-process-message-first-eval-goes-to-inbox[0]': [first, s => output(s, { data: '1', print: undefined })],
  'no-process-message-first-eval-goes-to-inbox[1]': [first, s => output(s, { data: '2', print: undefined, prompt: inbox(s, 1) })],
  'no-process-message-first-eval-goes-to-inbox[2]': [first],
  'no-process-message-first-eval-goes-to-inbox[3]': [first, s => output(s, { data: ids.owner + 1, prompt: inbox(s, 1) })],
  'env-may-be-wrapped[0]': wrapped,
  'env-may-be-wrapped[1]': wrapped,
  'eval-data-variants[3]': ['only a dry run may have data that is no text', s => ({ ...s, msg: { ...s.msg, 'Read-Only': true } })],
  'time-and-random[2]': ['a Timestamp is a number', s => output({ ...s, msg: { ...s.msg, 'Read-Only': true } }, { data: 'number' + s.msg.Timestamp })],
  'random-seed-known[0]': [short],
  'random-seed-known[1]': [short]
}

// Steps whose From is not their Owner: a unit believes that only of a message with the tag From-Process, so they have it besides.
const forwarded = ['boot-owner-is-from-process[2]', 'untrusted[1]', 'untrusted[2]', 'untrusted[3]', 'spawn-receive[2]', 'spawn-receive[4]', 'token-reads[9]',
  'token-transfer[2]', 'token-transfer[3]', 'token-transfer[4]', 'token-mint[3]', 'token-mint[4]', 'token-mint[5]']

const unit = process.argv.includes('--unit')
const only = process.argv.slice(2).filter(word => word !== '--unit')
const session = unit ? await UnitSession.open(ours) : new Session(ours)
const tally = new Tally()
const steps = { recorded: [], forwarded: [], other: [], left: [] }
for (const c of cases) {
  if (c.module !== 'aos2_0_6' || c.defect || (only.length && !only.includes(c.name))) continue
  session.reset(c.steps)
  const blueprintCase = c.steps.some(s => s.blueprint)
  for (const [i, recorded] of c.steps.entries()) {
    const name = `${c.name}[${i}]`, before = session.tagged
    const [why, instead] = (unit && impossible[name]) || []
    if (why && !instead) {
      steps.left.push(name)
      continue
    }
    const step = instead ? instead(recorded) : recorded
    const msg = step.blueprint ? { ...step.msg, Data: blueprint(step.blueprint) } : step.msg
    const result = await session.step(msg, step.env)
    const differences = compareStep(step, result.response, { blueprintCase })
    tally.check(name, differences.length === 0, differences.join('\n   '))
    steps[instead ? 'other' : session.tagged === before ? 'recorded' : 'forwarded'].push(name)
  }
}
session.close()
if (unit) {
  const { recorded, other, left } = steps
  const same = (a, b) => [...a].sort().join() === [...b].sort().join()
  if (!only.length) {
    tally.check('the impossible', same([...other, ...left], Object.keys(impossible)), 'is not what was met: ' + [...other, ...left])
    tally.check('the forwarded', same(steps.forwarded, forwarded), 'are not those that were met: ' + steps.forwarded)
  }
  for (const name of other) console.log(`${name} in another shape: ${impossible[name][0]}`)
  for (const name of left) console.log(`${name} not sent: ${impossible[name][0]}`)
  console.log(`steps through the unit: ${recorded.length} as recorded, ${steps.forwarded.length} with From-Process besides, ${other.length} in another shape; not sent: ${left.length}`)
}
tally.end()
