package httpx

import (
	"net/http"
	"strings"
)

// Single answers the value of a header field that may stand once, and how many field lines there were. The value is that of the
// first line: a caller that cares decides by the count. The name must be in canonical form.
func Single(h http.Header, canonicalName string) (value string, lines int) {
	values := h[canonicalName]
	if len(values) == 0 {
		return "", 0
	}
	return values[0], len(values)
}

// IsMediaType says whether a Content-Type value names the media type, in any letter case and with any parameters. Parameters are not
// looked at: neither JSON (RFC 8259 section 11) nor form encoding defines one, so none can change what the content means.
func IsMediaType(contentType, mediaType string) bool {
	name, _, _ := strings.Cut(contentType, ";")
	return strings.EqualFold(strings.Trim(name, " \t"), mediaType)
}

// Credentials splits the value of an Authorization field into its scheme and what follows (RFC 9110 section 11.4).
func Credentials(authorization string) (scheme, credentials string) {
	scheme, credentials, _ = strings.Cut(strings.Trim(authorization, " \t"), " ")
	return scheme, strings.Trim(credentials, " \t")
}

// IsWord says whether text is shortest to longest ASCII letters, digits, "_" or "-".
func IsWord(s string, shortest, longest int) bool {
	if len(s) < shortest || len(s) > longest {
		return false
	}
	for i := range len(s) {
		c := s[i]
		if (c < '0' || c > '9') && (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && c != '_' && c != '-' {
			return false
		}
	}
	return true
}

// IsCorrelationID says whether text is a word of 1 to 64 characters: safe to log and to send on as it is.
func IsCorrelationID(s string) bool { return IsWord(s, 1, 64) }
