//go:build go1.25

package netupgrade_test

import (
	"errors"
	"net"
	"os"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gosegue/upgrade/netupgrade"
)

// In a time of its own: the default is 10 seconds, and no timeout is none.
func TestTimeouts(t *testing.T) {
	for _, test := range []struct {
		timeout, want time.Duration
	}{
		{0, netupgrade.DefaultTimeout},
		{1, 1},
		{time.Hour, time.Hour},
		{-1, -1},
	} {
		synctest.Test(t, func(t *testing.T) {
			near, far := net.Pipe()
			defer far.Close()
			a := echoing()
			a.Timeout = test.timeout
			done := make(chan error, 1)
			before := time.Now()
			go func() {
				_, err := a.Accept(near)
				done <- err
			}()
			if test.want < 0 {
				time.Sleep(1000 * time.Hour)
				select {
				case err := <-done:
					t.Errorf("without a timeout: %v", err)
				default:
				}
				far.Close()
				<-done
				return
			}
			if err := <-done; !errors.Is(err, os.ErrDeadlineExceeded) {
				t.Errorf("timeout %v: %v", test.timeout, err)
			}
			if took := time.Since(before); took != test.want {
				t.Errorf("timeout %v: took %v", test.timeout, took)
			}
		})
	}
}
