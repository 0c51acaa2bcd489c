// Package revocation lets clients end their own access tokens (RFC 7009), and keeps every replica told of the ended ones.
package revocation

import (
	"context"
	"log/slog"
	"net/http"
	"time"

	"github.com/d1gateway/d1gateway/webhook-server/serving"
	"github.com/d1gateway/d1gateway/webhook-server/store"
	"github.com/d1gateway/d1gateway/webhook-server/token/accesstoken"
	"github.com/d1gateway/d1gateway/webhook-server/token/tokenform"
)

// The outcomes of a revocation request, beside those of tokenform.
const (
	Revoked tokenform.Outcome = "revoked"
	// NothingToRevoke: the token is not live at the gateway, or is none at all. The client has what it wants.
	NothingToRevoke tokenform.Outcome = "nothing_to_revoke"
	// OtherClient: the token is another client's.
	OtherClient tokenform.Outcome = "unauthorized_client"
	// TooMany: the gateway has accesstoken.MaxRevocations that have not expired yet. The token lives on.
	TooMany tokenform.Outcome = "too_many"
	// StoreFailed: the token lives on.
	StoreFailed tokenform.Outcome = "store_failed"
)

// Outcomes lists every outcome, so that counters can begin at zero.
func Outcomes() []tokenform.Outcome {
	return tokenform.Outcomes(Revoked, NothingToRevoke, OtherClient, TooMany, StoreFailed)
}

// Store remembers revocations for all replicas.
type Store interface {
	// Revoke returns nil once the revocation is durable.
	Revoke(ctx context.Context, r store.Revocation) error
}

// Options is what the endpoint needs. All fields must be set.
type Options struct {
	tokenform.Options
	Store Store
	// Revocations are those that the Verifier asks.
	Revocations *accesstoken.Revocations
	// Timeout bounds the call of the Store.
	Timeout time.Duration
}

// IsPath says whether a decoded path is that of a gateway's revocation endpoint.
func IsPath(path string) bool { return tokenform.IsPath(path, serving.RevocationPath) }

// NewHandler makes the endpoint of all gateways. Whoever routes to it has asked IsPath. After its 200 the token is dead: here at once,
// on the other replicas when their Follower has read the list again.
func NewHandler(o Options) http.Handler {
	return tokenform.NewHandler(serving.RevocationPath, o.decide, o.Options)
}

// otherClient is the error of RFC 6749 section 5.2 in D1's error object. RFC 7009 section 2.1 has a client told that a token is not its own.
var otherClient = []byte(`{"error":"unauthorized_client","errorCode":"FIELD_INVALID_FORMAT"}`)

func (o Options) decide(ctx context.Context, r tokenform.Request) tokenform.Answer {
	token, err := r.Verify(o.Verifier)
	if err != nil {
		return tokenform.Answer{Outcome: NothingToRevoke, Status: http.StatusOK} // RFC 7009 section 2.2: no error
	}
	who := []slog.Attr{slog.String("gateway", r.Gateway().GatewayID), slog.String("client", r.Client.ClientID), slog.String("jti", token.ID)}
	if token.ClientID != r.Client.ClientID {
		o.Logger.LogAttrs(ctx, slog.LevelWarn, "access token not revoked, it is another client's", append(who, slog.String("owner", token.ClientID))...)
		return tokenform.Answer{Outcome: OtherClient, Status: http.StatusBadRequest, Body: otherClient}
	}
	if !o.Revocations.HasRoom(r.Gateway().GatewayID) {
		o.Logger.LogAttrs(ctx, slog.LevelWarn, "access token not revoked, too many of the gateway's are already", who...)
		return tokenform.Answer{Outcome: TooMany, Status: http.StatusServiceUnavailable}
	}
	if err := o.revoke(ctx, r.Gateway(), token); err != nil {
		o.Logger.LogAttrs(ctx, slog.LevelError, "access token not revoked", append(who, slog.Any("error", err))...)
		return tokenform.Answer{Outcome: StoreFailed, Status: http.StatusServiceUnavailable} // RFC 7009 section 2.2.1: it lives on
	}
	o.Logger.LogAttrs(ctx, slog.LevelInfo, "access token revoked", append(who, slog.String("credential", r.CredentialID))...)
	return tokenform.Answer{Outcome: Revoked, Status: http.StatusOK}
}

// revoke ends the token, durably first: a revocation that was answered survives a restart.
func (o Options) revoke(ctx context.Context, g *serving.Gateway, token accesstoken.Token) error {
	// A client that has closed only its own direction of the connection still waits for the answer.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), o.Timeout)
	defer cancel()
	expires := token.ExpiresAt.Add(accesstoken.MaxSkew)
	if err := o.Store.Revoke(ctx, store.Revocation{GatewayID: g.GatewayID, JTI: token.ID, ExpiresAt: expires}); err != nil {
		return err
	}
	o.Revocations.Add(g.GatewayID, token.ID, expires)
	return nil
}
