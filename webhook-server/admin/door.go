package admin

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"time"

	"github.com/d1gateway/d1gateway/webhook-server/httpx"
)

const (
	// requestTimeout bounds what a request may take, so that its answer still arrives within the listener's own bound.
	requestTimeout = 60 * time.Second
	// maxTokenBytes is more than any token of Kubernetes.
	maxTokenBytes = 16 << 10
)

// door lets callers in.
type door struct {
	open     bool
	files    *tokenFiles
	access   *rememberedAccess // nil when only files are known
	failures *failures
	logger   *slog.Logger
	now      func() time.Time
}

func newDoor(o Options) (*door, error) {
	d := &door{open: o.Open, failures: newFailures(rememberedSources), logger: o.Logger, now: o.Now}
	var err error
	if d.files, err = newTokenFiles(o.TokenFiles, o.Logger, o.Now); err != nil {
		return nil, err
	}
	if o.Access != nil {
		d.access = remember(o.Access, o.Now)
	}
	return d, nil
}

// guard serves those who are let in. What a web page makes a browser send is refused: on a loopback address without authentication the browser of
// the person who forwards it would do.
func (d *door) guard(next http.Handler) http.Handler {
	pages := http.NewCrossOriginProtection()
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if err := pages.Check(r); err != nil || d.open && !isLoopbackHost(r.Host) {
			refuse(w, http.StatusForbidden, "this looks like a request that a web page made: call the server by a loopback address, from no other origin")
			return
		}
		caller, err := d.caller(r)
		var denied *refusal
		switch {
		case err == nil:
			next.ServeHTTP(w, r.WithContext(withCaller(r.Context(), caller)))
		case errors.As(err, &denied):
			if denied.status == http.StatusTooManyRequests {
				w.Header().Set("Retry-After", httpx.RetryAfterSeconds(failureInterval))
			} else {
				w.Header().Set("WWW-Authenticate", `Bearer realm="d1gateway-admin"`)
			}
			answer(w, denied.status, denied.body)
		default:
			d.logger.ErrorContext(r.Context(), "administration caller cannot be authenticated", "error", err)
			w.Header().Set("Retry-After", "5")
			refuse(w, http.StatusServiceUnavailable, "who you are cannot be found out now: ask again")
		}
	})
}

// caller finds out who calls.
func (d *door) caller(r *http.Request) (Caller, error) {
	if d.open {
		return Caller{Name: "anonymous", trusted: true}, nil
	}
	token, ok := bearer(r.Header)
	if !ok {
		return Caller{}, refused(http.StatusUnauthorized, "send the header Authorization with Bearer and a token")
	}
	digest := digestOf(token)
	if name, ok := d.files.find(digest); ok {
		return Caller{Name: name, trusted: true}, nil
	}
	if d.access != nil {
		if caller, ok := d.access.known(digest); ok {
			return caller, nil
		}
	}
	source := sourceOf(r.RemoteAddr)
	if d.failures.tooMany(source, d.now()) {
		return Caller{}, refused(http.StatusTooManyRequests, "too many wrong tokens came from your address: wait")
	}
	if d.access != nil {
		caller, err := d.access.authenticate(r.Context(), token, digest)
		if !errors.Is(err, ErrUnauthenticated) {
			return caller, err
		}
	}
	if d.failures.add(source, d.now()) {
		d.logger.WarnContext(r.Context(), "wrong tokens of the administration API", "source", source.String())
	}
	return Caller{}, refused(http.StatusUnauthorized, "the token is not known, or not any more")
}

// Authorize asks the Access, or what it has said lately.
func (d *door) Authorize(ctx context.Context, c Caller, a Action) error {
	if d.access == nil {
		return ErrForbidden // no such caller is let in
	}
	return d.access.authorize(ctx, c, a)
}

// bearer answers the token of the one Authorization field (RFC 6750 section 2.1).
func bearer(h http.Header) (string, bool) {
	value, lines := httpx.Single(h, "Authorization")
	scheme, token := httpx.Credentials(value)
	if lines != 1 || !strings.EqualFold(scheme, "Bearer") || token == "" || len(token) > maxTokenBytes {
		return "", false
	}
	for i := range len(token) {
		if token[i] <= ' ' || token[i] > '~' {
			return "", false
		}
	}
	return token, true
}

// sourceOf answers the address at the other end, of an IPv6 host its /64.
func sourceOf(remote string) netip.Addr {
	peer, err := netip.ParseAddrPort(remote)
	if err != nil {
		return netip.Addr{}
	}
	address := peer.Addr().Unmap().WithZone("")
	if address.Is6() {
		return netip.PrefixFrom(address, 64).Masked().Addr()
	}
	return address
}

// isLoopbackHost says whether a Host header names this machine: a page whose own name was made to point here does not.
func isLoopbackHost(host string) bool {
	if h, _, err := net.SplitHostPort(host); err == nil {
		host = h
	}
	ip, err := netip.ParseAddr(strings.Trim(host, "[]"))
	return host == "localhost" || err == nil && ip.IsLoopback()
}
