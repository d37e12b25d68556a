// Package upgradetest checks how a server handles HTTP Upgrade: it sends the requests
// that tell servers apart, and judges the answers by RFC 9110, RFC 9112, RFC 6455 and
// RFC 7540. It is for the tests of any HTTP stack, however the stack is reached:
//
//	func TestUpgrade(t *testing.T) {
//		upgradetest.Handler(t, newHandler(), upgradetest.Options{
//			Product: upgrade.MustParseProduct("websocket"),
//		})
//	}
//
// [Handler] is for a handler of net/http, [Server] for any server that a function can
// connect to, and [Run] for programs. [FuzzOffer] looks for heads that make a server switch
// where the rules forbid it. From a command line, "upgrade101 probe" makes the same
// checks.
//
// A server may ignore any offer ([RFC 9110, section 7.8]). So the checks that need a
// switch are skipped for a server that never switches, and [Report] says so. A verdict
// rests on what the server sent, never on what did not come in time. Where only a guess
// is possible, the verdict is a note.
//
// [RFC 9110, section 7.8]: https://httpwg.org/specs/rfc9110.html#rfc.section.7.8
package upgradetest
