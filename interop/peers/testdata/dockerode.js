// Runs cat in the container c1, or with "attach" attaches to it, through dockerode:
// standard input goes in, standard output and error come out.
const [address, how] = process.argv.slice(2)
const [host, port] = address.split(':')
const Docker = require('dockerode')
const container = new Docker({ host, port, version: 'v1.47' }).getContainer('c1')

async function open() {
  if (how === 'attach') {
    return container.attach({ stream: true, hijack: true, stdin: true, stdout: true, stderr: true })
  }
  const exec = await container.exec({ Cmd: ['cat'], AttachStdin: true, AttachStdout: true, AttachStderr: true })
  return exec.start({ hijack: true, stdin: true })
}

open().then((stream) => {
  container.modem.demuxStream(stream, process.stdout, process.stderr)
  process.stdin.pipe(stream)
})
