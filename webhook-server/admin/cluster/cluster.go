// Package cluster has a Kubernetes API server say who calls the administration API (TokenReview) and what they may do (SubjectAccessReview), with the
// resources notifications and destinations of the group d1gateway.io. No such resources exist there: only rights to them do.
package cluster

import (
	"context"
	"errors"
	"fmt"
	"slices"

	authentication "k8s.io/api/authentication/v1"
	authorization "k8s.io/api/authorization/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"

	"github.com/d1gateway/d1gateway/webhook-server/admin"
)

// Group is that of the resources that rights are to.
const Group = "d1gateway.io"

// The client must not be what slows people down: what comes here is bounded and remembered by package admin.
const (
	questionsPerSecond = 50
	questionsAtOnce    = 100
)

// Options say how to ask.
type Options struct {
	Config *rest.Config
	// Audiences are those that a token may be for, one of them; none means the API server's own. A token for an audience of its own is of no use to
	// whoever gets hold of it here: the API server does not take it.
	Audiences []string
}

// Access is the admin.Access of a cluster.
type Access struct {
	client    kubernetes.Interface
	audiences []string
}

// New makes an Access. It does not connect.
func New(o Options) (*Access, error) {
	config := rest.CopyConfig(o.Config)
	config.QPS, config.Burst = questionsPerSecond, questionsAtOnce
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		return nil, fmt.Errorf("connecting to the API server: %w", err)
	}
	return &Access{client, o.Audiences}, nil
}

// Authenticate asks whose token it is. No error holds the token.
func (a *Access) Authenticate(ctx context.Context, token string) (admin.Caller, error) {
	review, err := a.client.AuthenticationV1().TokenReviews().Create(ctx, &authentication.TokenReview{
		Spec: authentication.TokenReviewSpec{Token: token, Audiences: a.audiences},
	}, metav1.CreateOptions{})
	if err != nil {
		return admin.Caller{}, fmt.Errorf("asking the API server for a TokenReview: %w", err)
	}
	status := review.Status
	if !status.Authenticated {
		return admin.Caller{}, admin.ErrUnauthenticated // status.Error may repeat what is wrong with the token
	}
	// An authenticator that knows no audiences answers none: it took the token for one of the API server's (TokenReviewStatus.audiences).
	if len(a.audiences) > 0 && !slices.ContainsFunc(a.audiences, func(want string) bool { return slices.Contains(status.Audiences, want) }) {
		return admin.Caller{}, admin.ErrUnauthenticated
	}
	if status.User.Username == "" {
		return admin.Caller{}, errors.New("the API server names no user in its TokenReview")
	}
	caller := admin.Caller{Name: status.User.Username, UID: status.User.UID, Groups: status.User.Groups, Extra: map[string][]string{}}
	for key, values := range status.User.Extra {
		caller.Extra[key] = values
	}
	return caller, nil
}

// Authorize asks whether the caller may.
func (a *Access) Authorize(ctx context.Context, c admin.Caller, action admin.Action) error {
	extra := map[string]authorization.ExtraValue{}
	for key, values := range c.Extra {
		extra[key] = values
	}
	review, err := a.client.AuthorizationV1().SubjectAccessReviews().Create(ctx, &authorization.SubjectAccessReview{
		Spec: authorization.SubjectAccessReviewSpec{
			User: c.Name, UID: c.UID, Groups: c.Groups, Extra: extra,
			ResourceAttributes: &authorization.ResourceAttributes{
				Group: Group, Resource: string(action.Resource), Verb: string(action.Verb), Namespace: action.Namespace,
			},
		},
	}, metav1.CreateOptions{})
	switch {
	case err != nil:
		return fmt.Errorf("asking the API server for a SubjectAccessReview: %w", err)
	case review.Status.Allowed && !review.Status.Denied:
		return nil
	}
	// An EvaluationError beside it, as for a binding whose role is gone, says nothing about the rest: it is a no.
	return admin.ErrForbidden
}
