// The recorded behaviour of the published aos module (golden/aos-cases.json), replayed against ours and compared under the rules
// of ref/aos-module.md 12. Cases of older versions are not ours to repeat; those marked as defects are checked in own.mjs for
// what we do instead. With --unit, through a compute unit instead of the engine alone: as far as a scheduler can have such a
// message, and in cases where it cannot, up to it.
import { readFileSync } from 'node:fs'
import path from 'node:path'
import { pathToFileURL } from 'node:url'
import { UnitSession } from './unit.mjs'
import { Session, Tally, blueprint, need, ours, testdata } from './session.mjs'

const file = need(path.join(testdata, 'golden/aos-cases.json'), 'set WEFT_TESTDATA')
const cases = JSON.parse(readFileSync(file, 'utf8'))
const { compareStep } = await import(pathToFileURL(path.join(testdata, 'golden/aos-cases-compare.mjs')))

const unit = process.argv.includes('--unit')
const only = process.argv.slice(2).filter(word => word !== '--unit')
const session = unit ? await UnitSession.open(ours) : new Session(ours)
let left = 0
const tally = new Tally()
for (const c of cases) {
  if (c.module !== 'aos2_0_6' || c.defect || (only.length && !only.includes(c.name))) continue
  session.reset()
  const blueprintCase = c.steps.some(s => s.blueprint)
  for (const [i, step] of c.steps.entries()) {
    if (unit && !UnitSession.can(step, i === 0)) {
      left += c.steps.length - i
      break
    }
    const msg = step.blueprint ? { ...step.msg, Data: blueprint(step.blueprint) } : step.msg
    const result = await session.step(msg, step.env)
    const differences = compareStep(step, result.response, { blueprintCase })
    tally.check(`${c.name}[${i}]`, differences.length === 0, differences.join('\n   '))
  }
}
session.close()
if (unit) console.log(`${left} steps are none that a scheduler could have, or come after such a one`)
tally.end()
