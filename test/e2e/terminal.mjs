// A terminal with a person at it: keys go in, the screen is read, as tmux shows it. One server of tmux for each, on a
// socket of its own, so that no other session is met.
import { execFile } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

export class Terminal {
  static async open(command, { env = {}, columns = 100, rows = 40 } = {}) {
    const terminal = new Terminal()
    terminal.directory = await mkdtemp(join(tmpdir(), 'weft-tty-'))
    terminal.env = { PATH: process.env.PATH, TERM: 'screen-256color', LANG: 'C.UTF-8', HOME: terminal.directory, ...env }
    // What was on the screen stays there after the program's end, with its exit code.
    const script = 'trap : INT; "$@"; echo "== exit $?"; exec sleep 600'
    await terminal.tmux('-f', '/dev/null', 'new-session', '-d', '-x', String(columns), '-y', String(rows), 'sh', '-c', script, 'sh', ...command)
    return terminal
  }

  tmux(...args) {
    return new Promise((done, failed) => {
      execFile('tmux', ['-S', join(this.directory, 'socket'), ...args], { env: this.env, maxBuffer: 16 << 20 }, (error, stdout, stderr) =>
        error ? failed(new Error(`tmux ${args.join(' ')}: ${stderr}`)) : done(stdout))
    })
  }

  async type(text) { await this.tmux('send-keys', '-l', '--', text) }

  async press(...keys) { await this.tmux('send-keys', ...keys) }

  async line(text) {
    await this.type(text)
    await this.press('Enter')
  }

  async paste(text) { await this.tmux('set-buffer', '--', text, ';', 'paste-buffer', '-p') }

  resize(columns, rows) { return this.tmux('resize-window', '-x', String(columns), '-y', String(rows)) }

  // What can be seen; with colours as escape sequences, when asked for.
  async screen({ colours = false } = {}) {
    const text = await this.tmux('capture-pane', '-p', '-J', ...(colours ? ['-e'] : []))
    return text.split('\n').map((line) => line.trimEnd()).join('\n').trimEnd()
  }

  // Waits until the screen shows it, and returns the screen.
  async shows(pattern, timeoutMs = 60000) {
    const end = Date.now() + timeoutMs
    let screen
    do {
      screen = await this.screen()
      if (typeof pattern === 'string' ? screen.includes(pattern) : pattern.test(screen)) return screen
      await new Promise((done) => setTimeout(done, 50))
    } while (Date.now() < end)
    throw new Error(`the screen never showed ${pattern}:\n${screen}`)
  }

  async exitCode() {
    return Number((await this.shows(/^== exit \d+$/m, 20000)).match(/^== exit (\d+)$/m)[1])
  }

  async close() {
    await this.tmux('kill-server').catch(() => {})
    await rm(this.directory, { recursive: true, force: true })
  }
}
