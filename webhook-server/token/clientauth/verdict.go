package clientauth

import (
	"log/slog"

	api "github.com/d1gateway/d1gateway/api/serving"
	"github.com/d1gateway/d1gateway/webhook-server/serving"
)

// admit answers whom a failure is counted against, and false when there have been too many. It comes before anything that was
// presented is compared: the client is the one with the id that was presented, nil when there is none.
func (a *Authenticator) admit(t attempt, client *serving.Client, clientID string) (suspect, bool) {
	s := a.failures.suspect(client, clientID, t.source)
	if a.failures.tooMany(s, t.now) {
		// The observer is not told of the client: whoever sees what it counts must not learn from that which ids exist.
		a.options.Observer.AuthenticationFailed(nil, TooMany)
		return s, false
	}
	return s, true
}

// succeed answers a client that has proved who it is.
func (a *Authenticator) succeed(t attempt, client *serving.Client, method api.AuthMethod, credentialID string) (Authenticated, Outcome) {
	a.options.Observer.Authenticated(client, credentialID, t.now)
	a.options.Logger.LogAttrs(t.request.Context(), slog.LevelInfo, "client authenticated", slog.String("client", client.ClientID),
		slog.String("gateway", client.Gateway.GatewayID), slog.String("credential", credentialID), slog.String("method", string(method)), slog.Any("source", t.source))
	return Authenticated{Client: client, CredentialID: credentialID, Method: method, Snapshot: t.snapshot, At: t.now}, ""
}

// fail answers a failure and counts it against the suspect.
func (a *Authenticator) fail(t attempt, suspect suspect, why failure) (Authenticated, Outcome) {
	if a.failures.add(suspect, t.now) {
		client, gateway := why.names()
		a.options.Logger.LogAttrs(t.request.Context(), slog.LevelWarn, "too many failed authentications of one client from one source, answering 503 for a while",
			slog.String("client", client), slog.String("gateway", gateway), slog.Any("source", t.source))
	}
	_, refusal := a.refuse(t, why)
	if why.client == nil && t.snapshot.Incomplete() {
		return Authenticated{}, NotReady // it may be the client of a document that cannot be served yet
	}
	return Authenticated{}, refusal
}

// refuse answers a failure that is counted against nobody.
func (a *Authenticator) refuse(t attempt, why failure) (Authenticated, Outcome) {
	a.options.Observer.AuthenticationFailed(why.client, why.reason)
	client, gateway := why.names()
	a.options.Logger.LogAttrs(t.request.Context(), slog.LevelInfo, "client authentication failed",
		slog.String("reason", string(why.reason)), slog.String("client", client), slog.String("gateway", gateway), slog.String("detail", why.detail),
		slog.Any("source", t.source))
	return Authenticated{}, BadClient
}

// failure is one failed authentication.
type failure struct {
	client *serving.Client // the one that was named, when there is one
	reason Reason
	detail string // says more of an assertion or a certificate; never a part of it
}

// names answers the client and its gateway for a log. The client is named only when there is one: an id that nobody knows may be a secret
// in the wrong place. A line has the same attributes either way, so that writing it does not take longer for one.
func (f failure) names() (clientID, gatewayID string) {
	if f.client == nil {
		return "", ""
	}
	return f.client.ClientID, f.client.Gateway.GatewayID
}
