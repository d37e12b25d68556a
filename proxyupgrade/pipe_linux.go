package proxyupgrade

import (
	"runtime"
	"sync"
	"syscall"
)

// This file knows pipes, which the kernel needs between two sockets.

// pipe is an empty pipe. Neither end blocks.
type pipe struct {
	r, w int

	// Where an int has 32 bits, two ints alone would be so small that the runtime may put
	// them into one block with other objects, and keep them as long as those: see
	// runtime.SetFinalizer.
	_ *byte
}

// Constants that package syscall does not have.
const (
	fSetPipeSize   = 1031 // F_SETPIPE_SZ
	spliceMove     = 1    // SPLICE_F_MOVE
	spliceNonblock = 2    // SPLICE_F_NONBLOCK
)

// pipes keeps pipes between uses. The garbage collector empties the pool and so closes them:
// a process that has been idle for two collections holds none.
var pipes sync.Pool

// newPipe returns an empty pipe, or nil if the system has none left.
func newPipe() *pipe {
	if p, _ := pipes.Get().(*pipe); p != nil {
		return p
	}
	var ends [2]int
	if syscall.Pipe2(ends[:], syscall.O_CLOEXEC|syscall.O_NONBLOCK) != nil {
		return nil
	}
	// A larger pipe takes fewer calls. The system may refuse it, which does no harm.
	syscall.Syscall(syscall.SYS_FCNTL, uintptr(ends[1]), fSetPipeSize, pipeSize)
	p := &pipe{r: ends[0], w: ends[1]}
	runtime.SetFinalizer(p, (*pipe).close)
	return p
}

// giveBack takes back a pipe that still holds left bytes.
func (p *pipe) giveBack(left int) {
	if left > 0 {
		p.close()
		return
	}
	pipes.Put(p)
}

func (p *pipe) close() {
	runtime.SetFinalizer(p, nil)
	syscall.Close(p.r)
	syscall.Close(p.w)
}

// splice moves at most limit bytes from one descriptor to another, one of them a pipe.
func splice(from, to, limit int) (int, error) {
	n, err := syscall.Splice(from, nil, to, nil, limit, spliceMove|spliceNonblock)
	return int(n), err
}
