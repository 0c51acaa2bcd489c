// Package contract is an independent test suite of the contract with Thales D1: one test for each row of its tables, against the real
// server, over every transport where that makes a difference. It looks at the server from outside only: requests, answers, the
// administration API, the metrics and the log.
//
// The rows are listed in rows_test.go. A test is found by its row:
//
//	go test ./webhook-server/contract -run 'TestNotificationEndpoint/updateType'
//
// What a gateway answers beside D1's two operations is tested in oauth_*_test.go, who is believed to be at the other end of a request and how
// much one of them may take in peer_*_test.go.
//
// Every answer, whatever row it belongs to, is held against both OpenAPI documents and the rules of the contract, and at the end of each
// server's life nothing that it has shown may hold a secret, a token or a card number: see package running.
package contract
