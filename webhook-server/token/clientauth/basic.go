package clientauth

import (
	"encoding/base64"
	"net/url"
	"strings"

	"github.com/d1gateway/d1gateway/webhook-server/httpx"
)

// pair is a client id and a secret as presented.
type pair struct{ id, secret string }

// parseBasic reads an Authorization value of the Basic scheme (RFC 7617) and answers the pairs it can mean: the literal one and, when it
// differs, the one with both parts form-decoded. RFC 6749 section 2.3.1 wants the parts form-encoded, RFC 7617 does not know that, and
// clients do either. Base64 is taken in the standard and the URL-safe alphabet, padded or not. No pair means that it cannot be read.
func parseBasic(authorization string) []pair {
	scheme, credentials := httpx.Credentials(authorization)
	if !strings.EqualFold(scheme, "Basic") {
		return nil
	}
	raw, ok := decodeBase64(credentials)
	if !ok {
		return nil
	}
	id, secret, ok := strings.Cut(raw, ":") // a user-id holds no colon, a password may (RFC 7617 section 2)
	if !ok {
		return nil
	}
	literal := pair{id, secret}
	if !strings.ContainsAny(raw, "%+") {
		return []pair{literal}
	}
	decodedID, idErr := url.QueryUnescape(id)
	decodedSecret, secretErr := url.QueryUnescape(secret)
	if idErr != nil || secretErr != nil {
		return []pair{literal}
	}
	return []pair{literal, {decodedID, decodedSecret}}
}

var toStandardAlphabet = strings.NewReplacer("-", "+", "_", "/")

func decodeBase64(s string) (string, bool) {
	if strings.ContainsAny(s, "-_") {
		s = toStandardAlphabet.Replace(s)
	}
	s = strings.TrimSuffix(strings.TrimSuffix(s, "="), "=")
	raw, err := base64.RawStdEncoding.DecodeString(s)
	if err != nil {
		return "", false
	}
	return string(raw), true
}
