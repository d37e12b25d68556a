package upgradetest_test

import (
	"context"
	"fmt"
	"io"
	"net"

	"github.com/gosegue/upgrade"
	"github.com/gosegue/upgrade/upgradetest"
)

// A server that takes any request for an offer, and answers it wrongly.
func ExampleRun() {
	dial := func(context.Context) (net.Conn, error) {
		near, far := net.Pipe()
		go func() {
			far.Read(make([]byte, 4<<10))
			io.WriteString(far, "HTTP/1.1 101 Switching Protocols\r\nUpgrade: echo/1\r\nConnection: close\r\n\r\n")
			io.Copy(far, far)
		}()
		return near, nil
	}
	report, err := upgradetest.Run(context.Background(), dial, upgradetest.Options{
		Product: upgrade.MustParseProduct("echo/1"),
		Only:    []string{"101-offered", "101-connection", "no-upgrade"},
	})
	if err != nil {
		fmt.Println(err)
	}
	fmt.Println(report.First)
	for _, r := range report.Results {
		fmt.Printf("%s %s %s: %s\n", r.Verdict, r.Level, r.ID, r.Detail)
	}
	// Output:
	// it answered 101 naming echo/1
	// pass MUST 101-offered: it names echo/1
	// fail MUST 101-connection: Connection does not name upgrade, so a proxy may pass Upgrade on unchanged
	// fail MUST no-upgrade: it answered 101 naming echo/1
}
