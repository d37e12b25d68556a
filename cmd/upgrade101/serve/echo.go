package serve

import (
	"errors"
	"io"
	"net"
	"time"

	"github.com/gobwas/ws"
	"github.com/gobwas/ws/wsutil"
)

// This file knows the protocols that the server speaks after a switch. It knows
// nothing of HTTP.

// maxMessage is how long a WebSocket message may be, in octets, in one frame or in several.
const maxMessage = 1 << 20

// idleConn is a connection on which a Read or a Write fails if it takes longer than idle.
type idleConn struct {
	net.Conn
	idle time.Duration
}

func (c idleConn) Read(p []byte) (int, error) {
	if err := c.SetReadDeadline(time.Now().Add(c.idle)); err != nil {
		return 0, err
	}
	return c.Conn.Read(p)
}

func (c idleConn) Write(p []byte) (int, error) {
	if err := c.SetWriteDeadline(time.Now().Add(c.idle)); err != nil {
		return 0, err
	}
	return c.Conn.Write(p)
}

// echoBytes sends back every byte until the other side sends no more.
func echoBytes(conn net.Conn) error {
	_, err := io.Copy(conn, conn)
	return err
}

// echoMessages sends back every WebSocket message until the other side closes.
func echoMessages(conn net.Conn) error {
	handle := wsutil.ControlFrameHandler(conn, ws.StateServerSide)
	told := false // a close frame has been sent
	control := func(header ws.Header, payload io.Reader) error {
		err := handle(header, payload)
		told = err != nil
		return err
	}
	reader := &wsutil.Reader{
		Source:         conn,
		State:          ws.StateServerSide,
		CheckUTF8:      true,
		MaxFrameSize:   maxMessage,
		OnIntermediate: control,
	}
	for {
		err := echoMessage(conn, reader, control)
		switch {
		case err == nil:
		case errors.As(err, new(wsutil.ClosedError)), err == io.EOF:
			return nil
		case told:
			return err
		default:
			// If this does not arrive, the other side has gone.
			ws.WriteFrame(conn, ws.NewCloseFrame(ws.NewCloseFrameBody(closeCode(err), "")))
			return err
		}
	}
}

// echoMessage sends back one message, or answers one control frame.
func echoMessage(conn net.Conn, reader *wsutil.Reader, control wsutil.FrameHandlerFunc) error {
	header, err := reader.NextFrame()
	if err != nil {
		return err
	}
	if header.OpCode.IsControl() {
		return control(header, reader)
	}
	message, err := io.ReadAll(io.LimitReader(reader, maxMessage+1))
	if err != nil {
		return err
	}
	if len(message) > maxMessage {
		return wsutil.ErrFrameTooLarge
	}
	return wsutil.WriteServerMessage(conn, header.OpCode, message)
}

// closeCode returns the status to close a WebSocket connection with after err
// ([RFC 6455, section 7.4.1]).
//
// [RFC 6455, section 7.4.1]: https://www.rfc-editor.org/rfc/rfc6455#section-7.4.1
func closeCode(err error) ws.StatusCode {
	switch {
	case errors.As(err, new(ws.ProtocolError)):
		return ws.StatusProtocolError
	case errors.Is(err, wsutil.ErrInvalidUTF8):
		return ws.StatusInvalidFramePayloadData
	case errors.Is(err, wsutil.ErrFrameTooLarge):
		return ws.StatusMessageTooBig
	}
	return ws.StatusGoingAway
}
