// Package fasthttp is as much of fasthttp as the tests of the analyzer name.
package fasthttp

const (
	HeaderConnection = "Connection"
	HeaderUpgrade    = "Upgrade"
)

type RequestHeader struct{}

func (h *RequestHeader) Peek(key string) []byte             { return nil }
func (h *RequestHeader) PeekBytes(key []byte) []byte        { return nil }
func (h *RequestHeader) PeekAll(key string) [][]byte        { return nil }
func (h *RequestHeader) SetBytesV(key string, value []byte) {}

type Request struct{ Header RequestHeader }

type RequestCtx struct{ Request Request }
