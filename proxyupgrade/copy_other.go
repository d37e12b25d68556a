//go:build !linux

package proxyupgrade

// run copies through a buffer: to read from a socket without one needs what only the
// other file has.
func (h *half) run() (readErr, writeErr error) {
	if err := h.writeEarly(); err != nil {
		return nil, err
	}
	return h.copyBuffered()
}
