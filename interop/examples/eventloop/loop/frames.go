package loop

import (
	"bytes"
	"errors"
	"io"
	"unicode/utf8"

	"github.com/gobwas/ws"
	"github.com/gobwas/ws/wsutil"
)

// maxFrame is how many octets the payload of a frame may have: the server sends it back
// only when all of it has come.
const maxFrame = 64 << 10

// phase is all that a connection remembers between two frames.
type phase byte

const (
	between phase = iota // two messages
	within               // a message of several frames
)

// echo sends back the frame at the start of input if it is whole, and answers it if it is
// a ping or a close. It returns how many octets of input it has used, the phase after
// them, and whether to close the connection.
func echo(w io.Writer, now phase, input []byte) (n int, next phase, end bool) {
	frames := bytes.NewReader(input)
	header, err := ws.ReadHeader(frames)
	switch {
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return 0, now, false // more will come
	case err != nil:
		return fail(w, ws.StatusProtocolError)
	}
	state := ws.StateServerSide
	if now == within {
		state = state.Set(ws.StateFragmented)
	}
	if ws.CheckHeader(header, state) != nil {
		return fail(w, ws.StatusProtocolError)
	}
	if header.Length > maxFrame {
		return fail(w, ws.StatusMessageTooBig)
	}
	n = len(input) - frames.Len() + int(header.Length)
	if n > len(input) {
		return 0, now, false
	}
	if header.OpCode.IsControl() {
		control := wsutil.ControlHandler{
			Src:   io.LimitReader(frames, header.Length), // Handle reads it to the end
			Dst:   w,
			State: ws.StateServerSide,
		}
		return n, now, control.Handle(header) != nil // after a close it also returns an error
	}

	payload := input[n-int(header.Length) : n]
	ws.Cipher(payload, header.Mask, 0)
	// Text in several frames is not checked: the client gets back what it sent.
	if header.OpCode == ws.OpText && header.Fin && !utf8.Valid(payload) {
		return fail(w, ws.StatusInvalidFramePayloadData)
	}
	header.Masked = false
	if ws.WriteFrame(w, ws.Frame{Header: header, Payload: payload}) != nil {
		return n, now, true
	}
	if header.Fin {
		return n, between, false
	}
	return n, within, false
}

// fail tells the client why the connection is closed.
func fail(w io.Writer, code ws.StatusCode) (int, phase, bool) {
	ws.WriteFrame(w, ws.NewCloseFrame(ws.NewCloseFrameBody(code, "")))
	return 0, between, true
}
