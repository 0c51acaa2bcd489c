package token

import (
	"slices"
	"strings"

	"github.com/d1gateway/d1gateway/webhook-server/httpx"
	"github.com/d1gateway/d1gateway/webhook-server/token/clientauth"
)

// checkRequest decides over a client credentials request (RFC 6749 section 4.4.2) of a client that has authenticated, and answers the
// scope it asks for. Parameters it does not know are ignored (section 3.2). No refusal is empty.
func checkRequest(form httpx.Form) (scope string, refusal Outcome) {
	grantType, count := form.Get("grant_type")
	// A parameter without a value counts as left out, and none may be repeated (section 3.2).
	if count != 1 || grantType == "" {
		return "", clientauth.BadRequest
	}
	scope, count = form.Get("scope")
	if count > 1 {
		return "", clientauth.BadRequest
	}
	if grantType != "client_credentials" {
		return "", BadGrantType
	}
	return scope, ""
}

// grantScope answers the scope to grant, ordered as asked and without repeats. Nothing asked grants everything allowed. No refusal is empty.
func grantScope(asked string, allowed []string) (granted string, refusal Outcome) {
	if asked == "" {
		return strings.Join(allowed, " "), ""
	}
	if slices.Contains(allowed, asked) {
		return asked, ""
	}
	var scopes []string
	// Exactly one space stands between two scopes (section 3.3); more of them make an empty one, which nobody is allowed.
	for s := range strings.SplitSeq(asked, " ") {
		if !slices.Contains(allowed, s) {
			return "", BadScope
		}
		if !slices.Contains(scopes, s) {
			scopes = append(scopes, s)
		}
	}
	return strings.Join(scopes, " "), ""
}
