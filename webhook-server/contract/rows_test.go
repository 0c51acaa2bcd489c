package contract_test

import "testing"

// row is one row of a table of the contract.
type row struct {
	// title names the row's test.
	title string
	// request is the row's left column, word for word.
	request string
	// test runs on servers with the base documents that all rows of a table share, or starts its own.
	test func(t *testing.T, s *site)
}

// tokenRows are the rows of the table "Token endpoint", in its order.
func tokenRows() []row {
	return []row{
		{"T0", "T0", testT0},
		{"T0 on an Issuer path", "T0 on an Issuer path", testT0Issuer},
		{"no or wrong credentials", "no Authorization; wrong secret; unknown client; undecodable Basic; credentials only in the query", testWrongCredentials},
		{"base64 in both alphabets and any letter case of the scheme", "standard or URL-safe base64, padded or not; scheme in any letter case", testBasicAlphabets},
		{"colon in the secret", "colon in the secret", testColonInSecret},
		{"id and secret form-encoded or raw", "id and secret form-encoded before base64 (RFC 6749 §2.3.1), or sent raw", testFormEncodedCredentials},
		{"credentials in the form body", "credentials in the form body (`client_secret_post`)", testBodyCredentials},
		{"both Basic and body credentials", "both Basic and body credentials", testBothCredentials},
		{"grant_type other or missing or repeated", "other grant_type / missing / repeated", testGrantType},
		{"scope", "allowed scope / not allowed scope / no scope", testScope},
		{"unknown form parameters", "unknown form parameters", testUnknownParameters},
		{"wrong media type or malformed form or wrong size", "wrong media type, malformed form, empty body, body over 8 KiB", testMalformedForm},
		{"wrong secret and malformed request together", "wrong secret and malformed request together", testAuthenticationFirst},
		{"other methods", "other methods", testTokenMethods},
		{"secret rotated", "secret rotated, both in the overlap / after it", testRotation},
		{"client suspended or deleted", "client suspended or deleted", testSuspension},
		{"too many failures", "too many failures for one client from one source address (a few never; some hundreds always)", testTooManyFailures},
		{"keys not loaded", "keys not loaded", testKeysNotLoaded},
	}
}

// notificationRows are the rows of the table "Notification endpoint", in its order.
func notificationRows() []row {
	return []row{
		{"N0 and CARD_UPDATE and N0 repeated", "N0, `CARD_UPDATE`, N0 repeated", testN0},
		{"SIGKILL right after A", "SIGKILL right after A", testSIGKILL},
		{"bearer token missing or not good", "no bearer / garbage / expired beyond 60 s skew / altered / `alg:none` / other key type", testBearer},
		{"token of another gateway or without the scope", "token of another gateway, or without the needed scope", testForeignToken},
		{"OAuth disabled for the gateway", "OAuth disabled for the gateway", testOAuthDisabled},
		{"client certificate required", "client certificate required: none, other CA, expired, subject not listed", testClientCertificate},
		{"TLS versions", "TLS 1.1 / 1.2 / 1.3", testTLSVersions},
		{"new certificates without a restart", "new client leaf, same CA; new server certificate in the Secret", testNewCertificates},
		{"bad token and bad rest", "bad token and bad body, header or merchant", testBadTokenFirst},
		{"two Authorization headers", "two Authorization headers", testTwoAuthorizations},
		{"path field of the wrong length or alphabet", "path field of the wrong length or alphabet", testPathFields},
		{"unknown well-formed gateway", "unknown well-formed gateway", testUnknownGateway},
		{"unknown merchant or token or no lookup", "unknown merchant / unknown token (lookup configured) / no lookup configured", testUnknownMerchantOrToken},
		{"unknown token within its grace", "unknown token within `newTokenGraceSeconds` of its first sighting", testGrace},
		{"lookup fails", "lookup answers 5xx, 408, 429, hangs or drops", testLookupFaults},
		{"malformed body", "body missing, not JSON, not an object, not UTF-8, nested without end (20 levels must pass), over 64 KiB (64 KiB itself passes)", testBody},
		{"malformed updateType", "updateType missing, null, not a string, lower case", testUpdateType},
		{"unknown well-formed updateType", "unknown well-formed updateType (`^[A-Z][A-Z0-9_]{0,63}$`)", testUnknownUpdateType},
		{"unknown members", "unknown members", testUnknownMembers},
		{"wrong Content-Type or any Content-Encoding", "wrong Content-Type; Content-Encoding present", testContentHeaders},
		{"x-correlation-id missing or malformed", "x-correlation-id missing or malformed", testCorrelationID},
		{"same x-correlation-id on two tokens", "same x-correlation-id on two tokens", testSameCorrelationID},
		{"other methods", "other methods", testNotificationMethods},
		{"HTTP versions and Expect and chunked", "HTTP/1.1 and HTTP/2; `Expect: 100-continue`; chunked", testFraming},
		{"faults of the server", "store full, slow or down; overload; deadline passed; panic before the commit", testServerFaults},
		{"Synchronous mode", "Synchronous mode: backend 2xx / 404 / permanent refusal / timeout or 5xx", testSynchronous},
		{"every answer to POST", "every answer to POST", testEveryAnswer},
	}
}

func TestTokenEndpoint(t *testing.T) {
	t.Parallel()
	run(t, tokenRows())
}

func TestNotificationEndpoint(t *testing.T) {
	t.Parallel()
	run(t, notificationRows())
}

func run(t *testing.T, rows []row) {
	t.Helper()
	s := newSite(t, nil)
	for _, r := range rows {
		t.Run(r.title, func(t *testing.T) {
			t.Parallel()
			r.test(t, s)
		})
	}
}

func TestRowsAreDistinct(t *testing.T) {
	for name, rows := range map[string][]row{"token": tokenRows(), "notification": notificationRows()} {
		titles, requests := map[string]bool{}, map[string]bool{}
		for _, r := range rows {
			if titles[r.title] || requests[r.request] {
				t.Errorf("%s: %q stands twice", name, r.title)
			}
			titles[r.title], requests[r.request] = true, true
		}
	}
}
