// Package head reads the head of an HTTP/1.x request in place: its request line and
// its field lines, as slices of the buffer they were received in ([RFC 9112]).
//
// It is for HTTP stacks that own their connections, and below all that package
// handshake knows: it reads octets and hands out lines, and neither what they offer
// nor who holds the connection is its business. By the way it notes what a switch of
// protocols has to ask: the lines of Connection and Upgrade, whether 100 (Continue)
// is waited for, and where the content ends, which has to be read first.
//
//	var request head.Request
//	n, err := request.Parse(buf, head.Limits{})
//	switch {
//	case err != nil: // Answer with the status of err, and close.
//	case n == 0: // Read more behind buf, and parse it all again.
//	}
//	p, err := handshake.Select(request.Major, request.Minor, request.Connection, request.Upgrade, echo)
//
// # Strictness
//
// Two readers that find different requests in the same octets are how requests get
// smuggled, so there is one reading here and no option. Lines end in CRLF alone. No
// white space stands before a colon, and no line continues another. Controls other
// than HTAB are refused everywhere, octets outside ASCII everywhere but in values. A
// second Host or Content-Length is refused even where it repeats the first. What the
// message says of its length is either one number or one chunked.
//
// # Memory
//
// Nothing is copied. Parsing allocates the room of a Request's slices, which a reused
// Request has already, and one [*Error] for what is refused.
//
// [RFC 9112]: https://httpwg.org/specs/rfc9112.html
package head
