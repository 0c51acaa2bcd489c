package httpx

import (
	"net/url"
	"strings"
)

// Segments splits an escaped path at its slashes and only then unescapes each segment, so that an encoded slash stays inside its
// segment (RFC 3986 section 2.2). It never resolves "." and "..", and never merges slashes. The first, empty segment before the
// leading slash is left out: "/a/b" has two segments, "/a/" has "a" and "". It answers false for text that is not an absolute path
// or whose percent-encoding is malformed.
func Segments(escaped string) ([]string, bool) {
	rest, absolute := strings.CutPrefix(escaped, "/")
	if !absolute {
		return nil, false
	}
	segments := strings.Split(rest, "/")
	for i, s := range segments {
		if strings.IndexByte(s, '%') < 0 {
			continue
		}
		plain, err := url.PathUnescape(s)
		if err != nil {
			return nil, false
		}
		segments[i] = plain
	}
	return segments, true
}

// PlainPath answers the decoded path of a request when decoding does not change which segments it has, so that it can be compared
// with a configured path. "/oauth2%2Ftoken" is one segment, not the path "/oauth2/token": it answers false.
func PlainPath(u *url.URL) (string, bool) {
	// net/url leaves RawPath empty when encoding Path again gives what was received; an encoded slash never does.
	if u.RawPath == "" {
		return u.Path, strings.HasPrefix(u.Path, "/")
	}
	segments, ok := Segments(u.EscapedPath())
	if !ok {
		return "", false
	}
	for _, s := range segments {
		if strings.IndexByte(s, '/') >= 0 {
			return "", false
		}
	}
	return "/" + strings.Join(segments, "/"), true
}
