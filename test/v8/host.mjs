// An ao module on V8, under a host that answers everything at once: the second opinion about what a turn
// leaves in linear memory. It does what ao-units 5.15 and 5.16 and wasm-engine 6 say, as src/reader/wasm/host.c
// does, and shares no code with it.
//
// A row of `imports` is [what memory32 passes, what memory64 passes, function]: results before the colon, then
// parameters; p is a pointer or a size, i and l integers of 32 and 64 bits, d a double. The functions see numbers only.

const ENOENT = -44, EBADF = -8, ENOSYS = -52, ENOTTY = -59, ESPIPE = 70
const GROWTH = 96 * 2 ** 20, PAGE = 65536

class Exit extends Error {}
const LONGJMP = Symbol('longjmp')

export class Guest {
  constructor(module) {
    this.module = module
    // Which it is shows when a pointer is first handed in: memory64 takes a BigInt.
    this.wide = undefined
    this.restart()
  }

  // A new instance, as far as a message may find it: the stack and its marks, the constructors; main is not run.
  restart() {
    this.clock = 10000
    const env = {}
    for (const { name, kind } of WebAssembly.Module.imports(this.module)) {
      if (kind !== 'function') throw new Error(`import ${name} is a ${kind}`)
      env[name] = this.bind(name)
    }
    const modules = new Set(WebAssembly.Module.imports(this.module).map((i) => i.module))
    this.instance = new WebAssembly.Instance(this.module, Object.fromEntries([...modules].map((m) => [m, env])))
    const e = (this.exports = this.instance.exports)
    this.stackGet = e.emscripten_stack_get_current ?? e.stackSave
    this.stackRestore = e._emscripten_stack_restore ?? e.stackRestore
    this.stackAlloc = e._emscripten_stack_alloc ?? e.stackAlloc
    this.memory = e.memory
    e.emscripten_stack_init()
    const end = e.emscripten_stack_get_end()
    this.wide ??= typeof end === 'bigint'
    const at = Number(end) || 4, view = this.view()
    view.setUint32(at, 0x02135467, true)
    view.setUint32(at + 4, 0x89bacdfe, true)
    view.setUint32(0, 0x63736d65, true)
    e.__wasm_call_ctors()
    this.clockAtStart = this.clock
  }

  view() {
    return new DataView(this.memory.buffer)
  }

  bytes(at, length) {
    return new Uint8Array(this.memory.buffer, at, length)
  }

  size() {
    return this.memory.buffer.byteLength
  }

  // A pointer as the module takes it.
  pointer(n) {
    return this.wide ? BigInt(n) : n
  }

  write(at, n) {
    if (this.wide) this.view().setBigUint64(at, BigInt(n), true)
    else this.view().setUint32(at, n, true)
  }

  read(at) {
    return this.wide ? Number(this.view().getBigUint64(at, true)) : this.view().getUint32(at, true)
  }

  grow(by) {
    // The draft of memory64 in node 20 counts in numbers, later ones in BigInts.
    const pages = by / PAGE
    try {
      this.memory.grow(pages)
    } catch (error) {
      if (!(error instanceof TypeError)) throw error
      this.memory.grow(BigInt(pages))
    }
  }

  // One message: two texts on the stack, handle, the text that comes back.
  // A turn inherits nothing but memory: the clock counts from where the start left it.
  turn(message, environment) {
    this.clock = this.clockAtStart
    const stack = this.stackGet()
    const pushed = [message, environment].map((text) => {
      const utf8 = new TextEncoder().encode(text)
      const at = Number(this.stackAlloc(this.pointer(utf8.length + 1)))
      const to = this.bytes(at, utf8.length + 1)
      to.set(utf8)
      to[utf8.length] = 0
      return this.pointer(at)
    })
    const at = Number(this.exports.handle(...pushed))
    const all = new Uint8Array(this.memory.buffer)
    const text = new TextDecoder().decode(all.subarray(at, all.indexOf(0, at)))
    this.stackRestore(stack)
    return text
  }

  // After a turn that is not kept: a new instance with the memory of before.
  restore(saved) {
    this.restart()
    if (saved.length > this.size()) this.grow(saved.length - this.size())
    new Uint8Array(this.memory.buffer).set(saved)
  }

  bind(name) {
    if (name.startsWith('invoke_')) return (index, ...args) => this.invoke(Number(index), args)
    const row = imports[name]
    if (!row)
      return () => {
        throw new Error(`the host has no function ${name}`)
      }
    const [narrow, wide, run] = row
    return (...args) => {
      const [result, taken] = (this.wide ? (wide ?? narrow) : narrow).split(':')
      const got = run(this, ...args.map((a) => Number(a)), ...(taken.length === args.length ? [] : [NaN]))
      if (result === 'l' || (result === 'p' && this.wide)) return BigInt(got)
      return got
    }
  }

  invoke(index, args) {
    const stack = this.stackGet()
    try {
      return this.exports.__indirect_function_table.get(index)(...args)
    } catch (thrown) {
      if (thrown !== LONGJMP) throw thrown
      this.stackRestore(stack)
      this.exports.setThrew(this.pointer(1), 0)
    }
  }
}

// ---- memory ----

function resizeHeap(g, requested) {
  const old = g.size(), most = g.wide ? 2 ** 34 : 4294901760
  if (requested > most) return 0
  for (let cut = 1; cut <= 4; cut *= 2) {
    const over = Math.min(old * (1 + 0.2 / cut), requested + GROWTH)
    const size = Math.min(most, Math.ceil(Math.max(requested, over) / PAGE) * PAGE)
    try {
      g.grow(Math.ceil((size - old) / PAGE) * PAGE)
      return 1
    } catch {
      continue
    }
  }
  return 0
}

// ---- time: UTC, and never the real one ----

const dayOfYear = (d) => Math.floor((Date.UTC(d.getUTCFullYear(), d.getUTCMonth(), d.getUTCDate()) - Date.UTC(d.getUTCFullYear(), 0, 1)) / 864e5)

function putTime(g, at, d) {
  const fields = [d.getUTCSeconds(), d.getUTCMinutes(), d.getUTCHours(), d.getUTCDate(), d.getUTCMonth(), d.getUTCFullYear() - 1900, d.getUTCDay(), dayOfYear(d)]
  fields.forEach((n, k) => g.view().setInt32(at + 4 * k, n, true))
}

function breakDown(g, seconds, at, local) {
  putTime(g, at, new Date(seconds * 1000))
  if (local) g.bytes(at + 32, 8).fill(0)
}

// Seconds come as one i64, or from memory32 in two halves.
const brokenDown = (local) => (g, ...a) => {
  if (g.wide) breakDown(g, a[0], a[1], local)
  else breakDown(g, (a[1] | 0) * 2 ** 32 + (a[0] >>> 0), a[2], local)
}

function makeTime(g, at) {
  const [sec, min, hour, day, month, year] = Array.from({ length: 6 }, (_, k) => g.view().getInt32(at + 4 * k, true))
  const d = new Date(0)
  d.setUTCFullYear(year + 1900, month, day)
  d.setUTCHours(hour, min, sec)
  putTime(g, at, d)
  g.view().setInt32(at + 32, 0, true)
  return Math.floor(d.getTime() / 1000)
}

const days = ['Sunday', 'Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday']
const months = ['January', 'February', 'March', 'April', 'May', 'June', 'July', 'August', 'September', 'October', 'November', 'December']

function formatTime(g, out, room, format, tm) {
  const f = (k) => g.view().getInt32(tm + 4 * k, true)
  const two = (n) => String(n).padStart(2, '0')
  const [sec, min, hour, day, month, year, weekday, yearday] = [0, 1, 2, 3, 4, 5, 6, 7].map(f)
  const all = g.bytes(0, g.size())
  const pattern = new TextDecoder().decode(all.subarray(format, all.indexOf(0, format)))
  const rows = {
    a: () => days[weekday].slice(0, 3), A: () => days[weekday], b: () => months[month].slice(0, 3), B: () => months[month],
    c: () => expand('%a %b %e %H:%M:%S %Y'), d: () => two(day), D: () => expand('%m/%d/%y'), e: () => String(day).padStart(2),
    F: () => expand('%Y-%m-%d'), H: () => two(hour), I: () => two(hour % 12 || 12), j: () => String(yearday + 1).padStart(3, '0'),
    m: () => two(month + 1), M: () => two(min), n: () => '\n', p: () => (hour < 12 ? 'AM' : 'PM'), R: () => expand('%H:%M'),
    S: () => two(sec), t: () => '\t', T: () => expand('%H:%M:%S'), u: () => String(weekday || 7), w: () => String(weekday),
    x: () => expand('%m/%d/%y'), X: () => expand('%H:%M:%S'), y: () => two((year + 1900) % 100), Y: () => String(year + 1900),
    z: () => '+0000', Z: () => 'UTC', '%': () => '%'
  }
  const expand = (p) =>
    p.replace(/%(.)/gs, (_, c) => {
      if (!rows[c]) throw new Error(`strftime %${c} is not known here`)
      return rows[c]()
    })
  const text = new TextEncoder().encode(expand(pattern))
  if (text.length + 1 > room) return 0
  g.bytes(out, text.length + 1).set([...text, 0])
  return text.length
}

function zones(g, seconds, daylight, standard, summer) {
  g.write(seconds, 0)
  g.view().setUint32(daylight, 0, true)
  for (const at of [standard, summer]) g.bytes(at, 4).set([0x55, 0x54, 0x43, 0])
}

// ---- files: there are none; what is written disappears ----

function writeOut(g, fd, vectors, count, out) {
  const width = g.wide ? 8 : 4
  let total = 0
  for (let k = 0; k < count; k++) total += g.read(vectors + 2 * width * k + width)
  g.write(out, total)
  return 0
}

function terminal(g, fd, request, list) {
  if (fd > 2) return ENOTTY
  if (request === 21523) {
    const at = g.read(list)
    g.view().setUint16(at, 24, true)
    g.view().setUint16(at + 2, 80, true)
  }
  return 0
}

const abort = (g) => {
  throw new Exit('aborted')
}
const zero = () => 0
const noEntry = () => ENOENT
const badFd = () => EBADF

const imports = {
  abort: [':', null, abort],
  _abort_js: [':', null, abort],
  exit: [':i', null, abort],
  _emscripten_throw_longjmp: [':', null, () => {
    throw LONGJMP
  }],
  _emscripten_memcpy_js: [':ppp', null, (g, to, from, n) => void g.bytes(0, g.size()).copyWithin(to, from, from + n)],
  emscripten_resize_heap: ['i:p', null, resizeHeap],
  emscripten_get_heap_max: ['p:', null, (g) => (g.wide ? 2 ** 34 : 4294901760)],
  emscripten_date_now: ['d:', null, (g) => g.clock++],
  emscripten_get_now: ['d:', null, (g) => g.clock++],
  _emscripten_get_now_is_monotonic: ['i:', null, () => 1],
  _gmtime_js: [':iip', ':lp', brokenDown(false)],
  _localtime_js: [':iip', ':lp', brokenDown(true)],
  _mktime_js: ['i:p', 'l:p', makeTime],
  _tzset_js: [':pppp', null, zones],
  strftime: ['p:pppp', null, formatTime],
  fd_write: ['i:ippp', null, writeOut],
  fd_read: ['i:ippp', null, (g, fd, v, n, out) => (g.write(out, 0), 0)],
  fd_close: ['i:i', null, zero],
  fd_sync: ['i:i', null, zero],
  fd_fdstat_get: ['i:ip', null, zero],
  fd_seek: ['i:iiiip', 'i:ilip', () => ESPIPE],
  environ_sizes_get: ['i:pp', null, (g, count, size) => (g.write(count, 0), g.write(size, 0), 0)],
  environ_get: ['i:pp', null, zero],
  _emscripten_system: ['i:p', null, (g, command) => (command ? ENOSYS : 0)],
  __syscall_fcntl64: ['i:iip', null, zero],
  __syscall_ioctl: ['i:iip', null, terminal],
  __syscall_dup3: ['i:iii', null, badFd],
  __syscall_openat: ['i:ipip', null, noEntry],
  __syscall_unlinkat: ['i:ipi', null, noEntry],
  __syscall_rmdir: ['i:p', null, noEntry],
  __syscall_renameat: ['i:ipip', null, noEntry],
  __syscall_readlinkat: ['i:ippp', null, noEntry],
  __syscall_lstat64: ['i:pp', null, noEntry],
  __syscall_stat64: ['i:pp', null, noEntry],
  __syscall_newfstatat: ['i:ippi', null, noEntry],
  __syscall_fstat64: ['i:ip', null, badFd],
  __syscall_faccessat: ['i:ipii', null, noEntry],
  __syscall_chmod: ['i:pi', null, noEntry],
  __syscall_fchmod: ['i:ii', null, badFd],
  __syscall_fchown32: ['i:iii', null, badFd],
  __syscall_getcwd: ['i:pp', null, noEntry],
  __syscall_mkdirat: ['i:ipi', null, noEntry],
  __syscall_utimensat: ['i:ippi', null, noEntry],
  __asyncjs__weavedrive_open: ['i:pp', null, zero],
  __asyncjs__weavedrive_read: ['i:ipp', null, zero],
  __asyncjs__weavedrive_close: ['i:i', null, zero]
}
