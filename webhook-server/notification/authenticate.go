package notification

import (
	"errors"
	"log/slog"
	"strings"

	"github.com/d1gateway/d1gateway/webhook-server/httpx"
)

// authenticate checks the client certificate and the bearer token, as far as the gateway asks for them. Several Authorization fields
// are no token at all: the caller finds them among the fields.
func (c *call) authenticate() (refusal Outcome) {
	if c.gateway.ClientCertificate != nil {
		if err := c.checkCertificate(); err != nil {
			c.Logger.LogAttrs(c.request.Context(), slog.LevelInfo, "client certificate refused", c.who(slog.Any("reason", err))...)
			return Unauthenticated
		}
	}
	if c.gateway.OAuthDisabled {
		return ""
	}
	authorization, lines := httpx.Single(c.request.Header, "Authorization")
	if lines > 1 {
		return ""
	}
	token := bearer(authorization)
	if token == "" {
		return Unauthenticated
	}
	client, err := c.Verify(c.request, c.gateway, c.snapshot, token, c.now)
	if errors.Is(err, ErrUncertain) {
		return NotReady
	}
	if err != nil {
		c.Logger.LogAttrs(c.request.Context(), slog.LevelInfo, "access token refused", c.who(slog.Any("reason", err))...)
		return InvalidToken
	}
	c.clientID = client.ClientID
	return ""
}

func (c *call) checkCertificate() error {
	if c.ClientCertificate == nil {
		return errNoCertificateCheck
	}
	return c.ClientCertificate(c.request, c.gateway)
}

// bearer answers what follows the Bearer scheme (RFC 6750 section 2.1), or "" when no token was presented. Another scheme is an
// unsupported method, which RFC 6750 section 3.1 answers like no authentication at all.
func bearer(authorization string) string {
	scheme, token := httpx.Credentials(authorization)
	if !strings.EqualFold(scheme, "Bearer") {
		return ""
	}
	return token
}
