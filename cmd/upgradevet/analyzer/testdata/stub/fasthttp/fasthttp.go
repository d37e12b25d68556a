// Package fasthttp declares the part of fasthttp that the tests of the analyzer use.
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
