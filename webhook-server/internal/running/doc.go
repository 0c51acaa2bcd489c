// Package running is a real server in tests: the whole of package app on ports of the kernel's choice, the directory of serving documents
// that it reads, a merchant backend that it delivers to, and clients for each transport that D1 may use. Only tests import it.
//
//	w := running.Start(t, nil)                           // plain HTTP; StartTLS serves TLS
//	token := w.Token(w.Client())                         // a token by T0
//	answer := w.Client().Do(running.N0(token))           // a notification
//	w.Documents.Client.Suspended = true; w.Publish()     // served when it returns
//
// Every answer that a Client gets is kept, and when the test ends no secret, token or card number may be found in any of them, nor in the
// log, the metrics, readiness or the administration API: see World.Planted.
package running
