// Command tls is a printer that encrypts: a client upgrades its connection to TLS
// (RFC 2817) and prints inside. CUPS does so with the option -E.
//
//	go run ./examples/tls
//	go run ./examples/tls -raw
//	lpstat -E -h 127.0.0.1:8080 -r
//
// On the switched connection crypto/tls speaks TLS. Inside it net/http serves, and
// OpenPrinting/goipp provides the printing protocol.
package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"log"
	"math/big"
	"net"
	"net/http"
	"time"

	"github.com/OpenPrinting/goipp"
	"github.com/gosegue/upgrade"
	"github.com/gosegue/upgrade/httpupgrade"
	"github.com/gosegue/upgrade/interop/examples/start"
	"github.com/gosegue/upgrade/netupgrade"
)

// The versions that crypto/tls speaks. The TLS handshake chooses the version again, and may
// choose 1.3 even if the highest version offered was 1.2.
var versions = []upgrade.Product[string]{
	upgrade.MustParseProduct("TLS/1.3"),
	upgrade.MustParseProduct("TLS/1.2"),
}

func main() {
	certificate, err := selfSigned()
	if err != nil {
		log.Fatal(err)
	}
	config := &tls.Config{Certificates: []tls.Certificate{certificate}}

	// Nothing else is served: a request without an offer gets a 426.
	var overHTTP httpupgrade.Handler
	acceptor := &netupgrade.Acceptor{}
	for _, version := range versions {
		overHTTP.Protocols = append(overHTTP.Protocols, httpupgrade.Protocol{
			Product: version,
			Allow:   func(r *http.Request) bool { return r.Method == http.MethodOptions },
			Serve:   func(conn net.Conn, _ *http.Request) { serve(conn, config) },
		})
		acceptor.Protocols = append(acceptor.Protocols, netupgrade.Protocol{
			Product: version,
			Allow:   func(r *netupgrade.Request) bool { return string(r.Method) == http.MethodOptions },
		})
	}
	start.Server(overHTTP, func(conn net.Conn) {
		accepted, err := acceptor.Accept(conn)
		if err != nil {
			return // it has been answered and closed
		}
		serve(accepted.Conn, config)
	})
}

// serve speaks TLS and inside it HTTP until the connection is closed.
func serve(conn net.Conn, config *tls.Config) {
	secure := tls.Server(conn, config)
	defer secure.Close()
	// The request that was upgraded still needs an answer, in the new protocol
	// (RFC 2817, section 3.3). Only OPTIONS may upgrade, since this is all it needs.
	if _, err := io.WriteString(secure, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"); err != nil {
		return
	}
	start.HTTP(secure, &http.Server{Handler: http.HandlerFunc(printer)})
}

// printer answers requests for a printer's attributes and requests to print a document.
func printer(w http.ResponseWriter, r *http.Request) {
	var request goipp.Message
	if err := request.Decode(r.Body); err != nil {
		http.Error(w, "want an IPP request", http.StatusBadRequest)
		return
	}
	response := goipp.NewResponse(request.Version, goipp.StatusOk, request.RequestID)
	add := func(to *goipp.Attributes, name string, tag goipp.Tag, values ...goipp.Value) {
		attribute := goipp.Attribute{Name: name}
		for _, value := range values {
			attribute.Values.Add(tag, value)
		}
		to.Add(attribute)
	}
	add(&response.Operation, "attributes-charset", goipp.TagCharset, goipp.String("utf-8"))
	add(&response.Operation, "attributes-natural-language", goipp.TagLanguage, goipp.String("en"))
	switch goipp.Op(request.Code) {
	case goipp.OpGetPrinterAttributes:
		add(&response.Printer, "printer-name", goipp.TagName, goipp.String("x"))
		add(&response.Printer, "printer-state", goipp.TagEnum, goipp.Integer(3)) // idle
		add(&response.Printer, "operations-supported", goipp.TagEnum, goipp.Integer(goipp.OpPrintJob), goipp.Integer(goipp.OpGetPrinterAttributes))
	case goipp.OpPrintJob:
		// The document follows the attributes.
		sum := sha256.New()
		n, err := io.Copy(sum, r.Body)
		if err != nil {
			return
		}
		arrived := fmt.Sprintf("%s, Expect: %s, %d octets, SHA-256 %x", tls.VersionName(r.TLS.Version), r.Header.Get("Expect"), n, sum.Sum(nil))
		add(&response.Job, "job-id", goipp.TagInteger, goipp.Integer(1))
		add(&response.Job, "job-uri", goipp.TagURI, goipp.String("ipp://"+r.Host+"/jobs/1"))
		add(&response.Job, "job-state", goipp.TagEnum, goipp.Integer(9)) // completed
		add(&response.Job, "job-state-message", goipp.TagText, goipp.String(arrived))
	default:
		response.Code = goipp.Code(goipp.StatusErrorOperationNotSupported)
	}
	w.Header().Set("Content-Type", goipp.ContentType)
	response.Encode(w)
}

// selfSigned makes a certificate for the next 24 hours.
func selfSigned() (tls.Certificate, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return tls.Certificate{}, err
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1),
		IPAddresses:  []net.IP{net.IPv4(127, 0, 0, 1)},
		NotBefore:    time.Now().Add(-time.Hour),
		NotAfter:     time.Now().Add(24 * time.Hour),
		KeyUsage:     x509.KeyUsageDigitalSignature,
		ExtKeyUsage:  []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	certificate, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	return tls.Certificate{Certificate: [][]byte{certificate}, PrivateKey: key}, err
}
