package admin

import (
	"context"
	"errors"
)

// ErrUnauthenticated says that a token is not known, or not any more.
var ErrUnauthenticated = errors.New("the token is not known")

// ErrForbidden says that a caller may not do something.
var ErrForbidden = errors.New("the caller may not do this")

// Access knows callers and what they may do, as a Kubernetes API server does. An error that is neither ErrUnauthenticated nor ErrForbidden says
// that it could not be found out: then the answer is 503, never a yes.
type Access interface {
	Authenticator
	Authorizer
}

// Authenticator says whose token it is.
type Authenticator interface {
	// Authenticate answers ErrUnauthenticated (wrapped) for a token that is nobody's.
	Authenticate(ctx context.Context, token string) (Caller, error)
}

// Authorizer says what a caller may do.
type Authorizer interface {
	// Authorize answers nil, or ErrForbidden (wrapped).
	Authorize(ctx context.Context, c Caller, a Action) error
}

// Caller is who calls, in Kubernetes' terms. Name stands in the log and with the pauses that they ask for.
type Caller struct {
	Name, UID string
	Groups    []string
	Extra     map[string][]string

	trusted bool // may do everything: by a token from a file, or because nobody is asked who they are
}

// Action is something that a caller wants to do to the notifications or destinations of a namespace.
type Action struct {
	Resource Resource
	Verb     Verb
	// Namespace is that of the MerchantGateway; empty for all of them.
	Namespace string
}

// Resource is what an Action is done to. No such resource exists in the API server: only rights to it do.
type Resource string

// The resources.
const (
	ResourceNotifications Resource = "notifications"
	ResourceDestinations  Resource = "destinations"
)

// Verb is what an Action does.
type Verb string

// The verbs. Notifications are listed, got and replayed; destinations are listed, paused and resumed.
const (
	VerbList   Verb = "list"
	VerbGet    Verb = "get"
	VerbReplay Verb = "replay"
	VerbPause  Verb = "pause"
	VerbResume Verb = "resume"
)

type callerKey struct{}

func withCaller(ctx context.Context, c Caller) context.Context {
	return context.WithValue(ctx, callerKey{}, c)
}

// callerOf answers who calls; the door has let them in.
func callerOf(ctx context.Context) Caller {
	c, _ := ctx.Value(callerKey{}).(Caller)
	return c
}
