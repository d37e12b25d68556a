package dial

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net"
	"os"
	"sync/atomic"
	"time"

	"github.com/gobwas/ws"
	"github.com/gobwas/ws/wsutil"
)

// This file knows how octets and messages go to the server and come from it.

// maxLine is the length of the longest line that becomes a message, in octets.
const maxLine = 1 << 20

// Copy copies in to the server, and what the server sends to out, until the server ends the
// connection or ctx is done. After the end of in, it waits until the server has been silent
// for quiet, and then closes its writing side. It waits because some proxies end the whole
// connection when one side ends, and an answer may still be under way. It closes conn.
func Copy(ctx context.Context, conn net.Conn, in io.Reader, out io.Writer, quiet time.Duration) error {
	defer conn.Close()
	stop := context.AfterFunc(ctx, func() { conn.Close() })
	defer stop()
	heard := new(listener)
	heard.note()
	failed := make(chan error, 1)
	go func() {
		if _, err := io.Copy(conn, in); err != nil {
			failed <- err
			return
		}
		heard.await(ctx, quiet)
		if w, ok := conn.(interface{ CloseWrite() error }); ok {
			w.CloseWrite()
		}
	}()
	_, err := io.Copy(out, io.TeeReader(conn, heard))
	return because(ctx, err, failed)
}

// CopyMessages sends each line of in as a WebSocket message, and writes each message of
// the server to out as a line, until the server ends the connection or ctx is done. After
// the end of in, it sends a close frame, and waits for the one of the server for the time
// timeout. It closes conn.
func CopyMessages(ctx context.Context, conn net.Conn, in io.Reader, out io.Writer, timeout time.Duration) error {
	defer conn.Close()
	stop := context.AfterFunc(ctx, func() { conn.Close() })
	defer stop()
	failed := make(chan error, 1)
	// Each frame is one Write, because answers to pings come between frames.
	send := func(frame ws.Frame) error {
		octets, err := ws.CompileFrame(ws.MaskFrameInPlace(frame))
		if err == nil {
			_, err = conn.Write(octets)
		}
		return err
	}
	go func() {
		lines := bufio.NewScanner(in)
		lines.Buffer(nil, maxLine)
		for lines.Scan() {
			if err := send(ws.NewTextFrame(lines.Bytes())); err != nil {
				failed <- err
				return
			}
		}
		if err := lines.Err(); err != nil {
			failed <- err
		}
		// A client may close the connection if the server does not within a reasonable time
		// (RFC 6455, section 7.1.1).
		conn.SetDeadline(time.Now().Add(timeout))
		// If this does not arrive, the reading side finds out.
		send(ws.NewCloseFrame(ws.NewCloseFrameBody(ws.StatusNormalClosure, "")))
	}()
	return because(ctx, receive(conn, out), failed)
}

// receive writes the messages of the server to out until it closes the WebSocket.
func receive(conn net.Conn, out io.Writer) error {
	control := wsutil.ControlFrameHandler(conn, ws.StateClientSide)
	reader := &wsutil.Reader{Source: conn, State: ws.StateClientSide, CheckUTF8: true, OnIntermediate: control}
	for {
		header, err := reader.NextFrame()
		switch {
		case err != nil:
		case header.OpCode.IsControl():
			err = control(header, reader)
		default:
			if _, err = io.Copy(out, reader); err == nil {
				_, err = io.WriteString(out, "\n")
			}
		}
		var closed wsutil.ClosedError
		switch {
		case err == nil:
		case errors.Is(err, os.ErrDeadlineExceeded):
			return errNoClose
		case err == io.EOF, errors.Is(err, io.ErrUnexpectedEOF):
			return errNoCloseFrame
		case errors.As(err, &closed) && (closed.Code == ws.StatusNormalClosure || closed.Code == ws.StatusNoStatusRcvd):
			return nil
		default:
			return err
		}
	}
}

// How a server can fail to close a WebSocket.
var (
	errNoClose      = errors.New("the server did not answer the close frame in time")
	errNoCloseFrame = errors.New("the server ended the connection without a close frame")
)

// because returns why copying ended: nil if ctx is done, otherwise err, the error of
// receiving, or if that is nil the error of sending.
func because(ctx context.Context, err error, failed <-chan error) error {
	if ctx.Err() != nil {
		return nil
	}
	select {
	case sending := <-failed:
		if err == nil {
			return sending
		}
	default:
	}
	return err
}

// listener notes when it was last written to.
type listener struct{ last atomic.Int64 }

func (l *listener) Write(p []byte) (int, error) {
	l.note()
	return len(p), nil
}

func (l *listener) note() { l.last.Store(time.Now().UnixNano()) }

// await waits until nothing has been written for the time quiet, or ctx is done.
func (l *listener) await(ctx context.Context, quiet time.Duration) {
	for {
		left := quiet - time.Since(time.Unix(0, l.last.Load()))
		if left <= 0 {
			return
		}
		select {
		case <-time.After(left):
		case <-ctx.Done():
			return
		}
	}
}
