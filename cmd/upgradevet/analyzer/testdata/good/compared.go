package good

import (
	"errors"
	"fmt"
	"io"
	"net"
)

// Values that were compared with constants.

func comparedHead(w io.Writer, product string) {
	if product != "websocket" && product != "echo/1" {
		return
	}
	fmt.Fprintf(w, "HTTP/1.1 101 Switching Protocols\r\nUpgrade: %s\r\nConnection: Upgrade\r\n\r\n", product)
}

func comparedBranch(w io.Writer, product string) {
	if product == "websocket" || product == "echo/1" {
		fmt.Fprintf(w, "HTTP/1.1 101 Switching Protocols\r\nUpgrade: %s\r\nConnection: Upgrade\r\n\r\n", product)
	}
}

func comparedCase(w io.Writer, product string) {
	switch product {
	case "websocket", "echo/1":
		fmt.Fprintf(w, "HTTP/1.1 101 Switching Protocols\r\nUpgrade: %s\r\nConnection: Upgrade\r\n\r\n", product)
	}
}

func comparedCases(w net.Conn, product string) error {
	switch product {
	case "websocket", "echo/1":
	default:
		return errors.New("another protocol")
	}
	_, err := fmt.Fprintf(w, "HTTP/1.1 101 Switching Protocols\r\nUpgrade: %s\r\nConnection: Upgrade\r\n\r\n", product)
	return err
}
