package cluster_test

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	authentication "k8s.io/api/authentication/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/rest"

	"github.com/d1gateway/d1gateway/webhook-server/admin"
	"github.com/d1gateway/d1gateway/webhook-server/admin/cluster"
)

func access(t *testing.T, config *rest.Config, audiences ...string) *cluster.Access {
	t.Helper()
	a, err := cluster.New(cluster.Options{Config: config, Audiences: audiences})
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func TestATokenIsItsServiceAccounts(t *testing.T) {
	account(t, "grafana", "")
	a := access(t, control.server, audience)
	caller, err := a.Authenticate(t.Context(), tokenOf(t, "grafana", audience))
	if err != nil || caller.Name != "system:serviceaccount:payments:grafana" || caller.UID == "" || !slices.Contains(caller.Groups, "system:serviceaccounts:payments") {
		t.Errorf("%+v, %v", caller, err)
	}
}

func TestATokenForAnotherAudienceIsNobodys(t *testing.T) {
	account(t, "audiences", "")
	ours, apiServers := tokenOf(t, "audiences", audience), tokenOf(t, "audiences")
	for _, c := range []struct {
		what, token string
		audiences   []string
		good        bool
	}{
		{"ours", ours, []string{audience}, true},
		{"ours, one of two", ours, []string{"other", audience}, true},
		{"ours for the API server", ours, nil, false},
		{"the API server's for us", apiServers, []string{audience}, false},
		{"the API server's", apiServers, nil, true},
		{"one that was changed", ours[:len(ours)-6] + "AAAAAA", []string{audience}, false},
		{"no JWT", "guess", []string{audience}, false},
	} {
		_, err := access(t, control.server, c.audiences...).Authenticate(t.Context(), c.token)
		if c.good != (err == nil) || !c.good && !errors.Is(err, admin.ErrUnauthenticated) {
			t.Errorf("%s: %v", c.what, err)
		}
	}
}

func TestTheRolesGiveWhatTheySayWhereTheyAreBound(t *testing.T) {
	a := access(t, control.server, audience)
	viewer := []string{"notifications list", "notifications get", "destinations list"}
	for role, rights := range map[string][]string{
		"d1gateway-notifications-viewer":   viewer,
		"d1gateway-notifications-operator": append(slices.Clone(viewer), "notifications replay", "destinations pause", "destinations resume"),
	} {
		name := strings.TrimPrefix(role, "d1gateway-notifications-")
		account(t, name, role)
		caller, err := a.Authenticate(t.Context(), tokenOf(t, name, audience))
		if err != nil {
			t.Fatal(err)
		}
		for _, resource := range []admin.Resource{admin.ResourceNotifications, admin.ResourceDestinations} {
			for _, verb := range []admin.Verb{admin.VerbList, admin.VerbGet, admin.VerbReplay, admin.VerbPause, admin.VerbResume} {
				for _, namespace := range []string{"payments", "travel", ""} {
					want := namespace == "payments" && slices.Contains(rights, string(resource)+" "+string(verb))
					err := a.Authorize(t.Context(), caller, admin.Action{Resource: resource, Verb: verb, Namespace: namespace})
					if want != (err == nil) || !want && !errors.Is(err, admin.ErrForbidden) {
						t.Errorf("%s: %s %s in %q: %v", name, verb, resource, namespace, err)
					}
				}
			}
		}
	}
}

func TestRightsOfAGroupCount(t *testing.T) {
	a := access(t, control.server)
	err := a.Authorize(t.Context(), admin.Caller{Name: "root", Groups: []string{"system:masters"}}, admin.Action{Resource: admin.ResourceNotifications, Verb: admin.VerbReplay})
	if err != nil {
		t.Error(err)
	}
}

func TestWhatCannotBeFoundOutIsNeitherYesNorNo(t *testing.T) {
	account(t, "unknown", "d1gateway-notifications-viewer")
	token := tokenOf(t, "unknown", audience)
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	gone := httptest.NewServer(http.NotFoundHandler())
	gone.Close()
	for what, c := range map[string]struct {
		ctx    context.Context
		config *rest.Config
	}{
		"a server without the role of the reviews": {t.Context(), control.nobody},
		"an API server that is away":               {t.Context(), &rest.Config{Host: gone.URL}},
		"a request that was given up":              {ended, control.server},
	} {
		a := access(t, c.config, audience)
		_, err := a.Authenticate(c.ctx, token)
		if err == nil || errors.Is(err, admin.ErrUnauthenticated) || strings.Contains(err.Error(), token) {
			t.Errorf("%s: who it is: %v", what, err)
		}
		err = a.Authorize(c.ctx, admin.Caller{Name: "x"}, admin.Action{Resource: admin.ResourceNotifications, Verb: admin.VerbList, Namespace: "payments"})
		if err == nil || errors.Is(err, admin.ErrForbidden) {
			t.Errorf("%s: what they may: %v", what, err)
		}
	}
}

// TestAnAuthenticatorThatKnowsNoAudiencesIsNotTakenAtItsWord: TokenReviewStatus.audiences is empty then.
func TestAnAuthenticatorThatKnowsNoAudiencesIsNotTakenAtItsWord(t *testing.T) {
	answer := func(status authentication.TokenReviewStatus) *rest.Config {
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			w.WriteHeader(http.StatusCreated)
			_ = json.NewEncoder(w).Encode(authentication.TokenReview{TypeMeta: metav1.TypeMeta{APIVersion: "authentication.k8s.io/v1", Kind: "TokenReview"}, Status: status})
		}))
		t.Cleanup(server.Close)
		return &rest.Config{Host: server.URL}
	}
	user := authentication.UserInfo{Username: "someone"}
	for what, c := range map[string]struct {
		status authentication.TokenReviewStatus
		good   bool
	}{
		"no audience":      {authentication.TokenReviewStatus{Authenticated: true, User: user}, false},
		"another audience": {authentication.TokenReviewStatus{Authenticated: true, User: user, Audiences: []string{"other"}}, false},
		"ours":             {authentication.TokenReviewStatus{Authenticated: true, User: user, Audiences: []string{"other", audience}}, true},
		"no user":          {authentication.TokenReviewStatus{Authenticated: true, Audiences: []string{audience}}, false},
		"not known":        {authentication.TokenReviewStatus{User: user, Audiences: []string{audience}}, false},
	} {
		caller, err := access(t, answer(c.status), audience).Authenticate(t.Context(), "token")
		if c.good != (err == nil) || !c.good && caller.Name != "" {
			t.Errorf("%s: %+v, %v", what, caller, err)
		}
	}
}
