//go:build !linux

package proxyupgrade

// run copies through a buffer. Only the file for Linux can wait on a socket without one.
func (h *half) run() (readErr, writeErr error) {
	if err := h.writeEarly(); err != nil {
		return nil, err
	}
	return h.copyBuffered()
}
