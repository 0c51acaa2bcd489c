package running

import (
	"encoding/json"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
)

// The paths of what a gateway answers beside D1's two operations, decoded. Whatever stands before the gateway's own part is the path of
// an external URL.
var (
	discoveryPath     = regexp.MustCompile(`^/\.well-known/oauth-authorization-server(/.*)?$|(^|/)\.well-known/(oauth-authorization-server|jwks\.json)$`)
	introspectionPath = regexp.MustCompile(`/merchant-gateways/[^/]*/oauth2/introspect$`)
	revocationPath    = regexp.MustCompile(`/merchant-gateways/[^/]*/oauth2/revoke$`)
)

// otherFaults lists in what an answer breaks the contract that is none of D1's two operations.
func otherFaults(method, path string, a Answer) []string {
	found := emptyNotFound(a)
	decoded, err := url.PathUnescape(path)
	if err != nil || strings.Contains(strings.ToUpper(path), "%2F") {
		return found // another path, whatever it looks like
	}
	switch {
	case a.Status == http.StatusNotFound || a.Status == http.StatusServiceUnavailable:
		return found
	case discoveryPath.MatchString(decoded):
		return append(found, discoveryAnswer(method, a)...)
	case !introspectionPath.MatchString(decoded) && !revocationPath.MatchString(decoded):
		return found
	case method != http.MethodPost:
		return append(found, otherMethod(a)...)
	}
	found = append(found, authenticatedAnswer(a)...)
	if a.Status != http.StatusOK {
		return found
	}
	if revocationPath.MatchString(decoded) {
		return append(found, noBody(a)...)
	}
	return append(found, introspectionAnswer(a)...)
}

// emptyNotFound holds wherever D1's document describes no 404.
func emptyNotFound(a Answer) []string {
	if a.Status != http.StatusNotFound {
		return nil
	}
	var f faultList
	f.unless(len(a.Header["Allow"]) == 0, "404 has Allow %q", a.Header["Allow"])
	return append(f, noBody(a)...)
}

func noBody(a Answer) []string {
	var f faultList
	f.unless(a.Body == "" && len(a.Header["Content-Type"]) == 0, "%d has a body or a Content-Type", a.Status)
	return f
}

func discoveryAnswer(method string, a Answer) []string {
	var f faultList
	if method != http.MethodGet && method != http.MethodHead {
		f.unless(a.Status == http.StatusMethodNotAllowed, "status is %d and not 405", a.Status)
		f.unless(slices.Equal(a.Header["Allow"], []string{"GET, HEAD"}), "Allow is %q", a.Header["Allow"])
		return append(f, noBody(a)...)
	}
	f.unless(a.Status == http.StatusOK, "status %d is not in the contract", a.Status)
	f.unless(a.Header.Get("Content-Type") == "application/json", "Content-Type is %q", a.Header.Get("Content-Type"))
	f.unless(len(a.Header["Www-Authenticate"]) == 0, "there is a challenge")
	var members map[string]any
	f.unless(method == http.MethodHead && a.Body == "" || json.Unmarshal([]byte(a.Body), &members) == nil, "the body is no JSON object")
	return f
}

// authenticatedAnswer is what introspection and revocation have in common with the token endpoint.
func authenticatedAnswer(a Answer) []string {
	var f faultList
	f.unless(slices.Contains([]int{200, 400, 401}, a.Status), "status %d is not in the contract", a.Status)
	f.unless(slices.Equal(a.Header["Cache-Control"], []string{"no-store"}), "Cache-Control is %q", a.Header["Cache-Control"])
	f.unless(slices.Equal(a.Header["Pragma"], []string{"no-cache"}), "Pragma is %q", a.Header["Pragma"])
	var wantChallenge []string
	if a.Status == http.StatusUnauthorized {
		wantChallenge = []string{basicChallenge}
		f.unless(a.Body == `{"error":"invalid_client"}`, "401 has the body %q", a.Body)
	}
	f.unless(slices.Equal(a.Header["Www-Authenticate"], wantChallenge), "WWW-Authenticate is %q", a.Header["Www-Authenticate"])
	if a.Status != http.StatusOK {
		f.unless(a.Header.Get("Content-Type") == "application/json", "Content-Type is %q", a.Header.Get("Content-Type"))
	}
	if a.Status == http.StatusBadRequest {
		var members map[string]string
		f.unless(json.Unmarshal([]byte(a.Body), &members) == nil && len(members) == 2 && members["error"] != "" && members["errorCode"] == "FIELD_INVALID_FORMAT", "400 has the body %q", a.Body)
	}
	return f
}

// introspectionMembers are those of a live token (RFC 7662 section 2.2, RFC 8705 section 3.2).
var introspectionMembers = []string{"active", "scope", "client_id", "token_type", "exp", "iat", "nbf", "sub", "aud", "iss", "jti", "cnf"}

func introspectionAnswer(a Answer) []string {
	var f faultList
	f.unless(a.Header.Get("Content-Type") == "application/json", "Content-Type is %q", a.Header.Get("Content-Type"))
	var members map[string]any
	f.unless(json.Unmarshal([]byte(a.Body), &members) == nil, "the body %q is no JSON object", a.Body)
	if members["active"] != true {
		f.unless(a.Body == `{"active":false}`, "of a token that is not live it says %s", a.Body)
		return f
	}
	for name := range members {
		f.unless(slices.Contains(introspectionMembers, name), "there is a member %q", name)
	}
	for _, name := range []string{"client_id", "token_type", "exp", "iat", "sub", "aud", "iss", "jti"} {
		f.unless(members[name] != nil && members[name] != "", "there is no %s", name)
	}
	return f
}
