// Package head reads the heads of HTTP/1.x messages in place: the start line and the
// field lines of a [Request] or a [Response], as slices of the buffer that received them
// ([RFC 9112]).
//
// It is for HTTP stacks that own their connections. It takes octets and returns lines;
// package handshake then decides what the lines offer. A Request has fields for all that
// a switch of protocols depends on: the lines of Connection and Upgrade, whether the
// client waits for a 100 (Continue), and where the content ends, because the content
// comes before the switch.
//
//	var request head.Request
//	n, err := request.Parse(buf, head.Limits{})
//	switch {
//	case err != nil: // Answer with the status of err, and close.
//	case n == 0: // Read more octets after those in buf, and call Parse with all of them.
//	}
//	p, err := handshake.Select(request.Major, request.Minor, request.Connection, request.Upgrade, echo)
//
// # Strictness
//
// Attackers smuggle a request where two parsers find different messages in the same
// octets. So this parser has one reading, and no setting changes it. Every line must end
// in CRLF. No blank may come before a colon, and no line may continue another. A control
// other than HTAB is refused everywhere, and an octet outside ASCII everywhere except in
// values and in a reason phrase. A second Host or Content-Length is refused even if it
// repeats the first, and so are Content-Length and Transfer-Encoding in one message.
//
// # Memory
//
// Parsing copies nothing. It allocates room for the slices of a Request or Response,
// which keeps that room for its next head, and one [*Error] for a head that is refused.
//
// [RFC 9112]: https://httpwg.org/specs/rfc9112.html
package head
