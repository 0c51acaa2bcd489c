// Package introspection tells a gateway's clients whether one of its access tokens is live, and what it says (RFC 7662).
package introspection

import (
	"context"
	"encoding/json"
	"log/slog"
	"net/http"

	"github.com/d1gateway/d1gateway/webhook-server/serving"
	"github.com/d1gateway/d1gateway/webhook-server/token/accesstoken"
	"github.com/d1gateway/d1gateway/webhook-server/token/tokenform"
)

// The outcomes of an introspection request, beside those of tokenform.
const (
	Active   tokenform.Outcome = "active"
	Inactive tokenform.Outcome = "inactive"
)

// Outcomes lists every outcome, so that counters can begin at zero.
func Outcomes() []tokenform.Outcome { return tokenform.Outcomes(Active, Inactive) }

// IsPath says whether a decoded path is that of a gateway's introspection endpoint.
func IsPath(path string) bool { return tokenform.IsPath(path, serving.IntrospectionPath) }

// NewHandler makes the endpoint of all gateways. Whoever routes to it has asked IsPath. Any client of a gateway may ask about any of
// the gateway's tokens; of other gateways' it learns nothing.
func NewHandler(o tokenform.Options) http.Handler {
	return tokenform.NewHandler(serving.IntrospectionPath, func(ctx context.Context, r tokenform.Request) tokenform.Answer {
		token, err := r.Verify(o.Verifier)
		// Verify allows for skewed clocks. An expired token is not called active for that: whoever asks has a skew of its own to add.
		if err != nil || !r.At.Before(token.ExpiresAt.Time) {
			return tokenform.Answer{Outcome: Inactive, Status: http.StatusOK, Body: inactive}
		}
		body, err := encode(token)
		if err != nil {
			o.Logger.LogAttrs(ctx, slog.LevelError, "introspection not answered", slog.String("gateway", r.Gateway().GatewayID), slog.Any("error", err))
			return tokenform.Answer{Outcome: tokenform.Failed, Status: http.StatusServiceUnavailable}
		}
		return tokenform.Answer{Outcome: Active, Status: http.StatusOK, Body: body}
	}, o)
}

// inactive says nothing of why (RFC 7662 section 2.2).
var inactive = []byte(`{"active":false}`)

// active is the answer for a live token (RFC 7662 section 2.2, RFC 8705 section 3.2).
type active struct {
	Active       bool          `json:"active"`
	Scope        string        `json:"scope,omitempty"`
	ClientID     string        `json:"client_id"`
	TokenType    string        `json:"token_type"`
	ExpiresAt    int64         `json:"exp"`
	IssuedAt     int64         `json:"iat"`
	NotBefore    int64         `json:"nbf,omitempty"`
	Subject      string        `json:"sub"`
	Audience     any           `json:"aud"`
	Issuer       string        `json:"iss"`
	ID           string        `json:"jti"`
	Confirmation *confirmation `json:"cnf,omitempty"`
}

type confirmation struct {
	Thumbprint string `json:"x5t#S256"`
}

func encode(t accesstoken.Token) ([]byte, error) {
	a := active{
		Active: true, Scope: t.Scope, ClientID: t.ClientID, TokenType: "Bearer", ExpiresAt: t.ExpiresAt.Unix(), IssuedAt: t.IssuedAt.Unix(),
		Subject: t.Subject, Audience: t.Audience, Issuer: t.Issuer, ID: t.ID,
	}
	if len(t.Audience) == 1 {
		a.Audience = t.Audience[0] // as it stands in the token
	}
	if t.NotBefore != nil {
		a.NotBefore = t.NotBefore.Unix()
	}
	if t.Confirmation.Thumbprint != "" {
		a.Confirmation = &confirmation{t.Confirmation.Thumbprint}
	}
	return json.Marshal(a)
}
