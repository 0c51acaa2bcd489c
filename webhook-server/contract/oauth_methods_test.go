package contract_test

import (
	"net/http"
	"testing"

	api "github.com/d1gateway/d1gateway/api/serving"
	"github.com/d1gateway/d1gateway/webhook-server/internal/fixture"
	"github.com/d1gateway/d1gateway/webhook-server/internal/running"
)

func TestAMethodThatTheGatewayDoesNotListIsRefused(t *testing.T) {
	t.Parallel()
	key := fixture.NewClientKey(t, "key", "ES256")
	s := newSite(t, func(w *running.World) {
		withKeys(key)(w)
		w.Documents.Gateway.AuthMethods = []api.AuthMethod{api.ClientSecretBasic}
	})
	s.inBothVersions(t, func(v *visit) {
		c := asserting{v.T, key}
		for name, r := range beside(v.token) {
			v.expect(wantIC, cases{
				name + " by assertion":          asserted(r, c.assertion(nil, nil)),
				name + " by client_secret_post": r.With("Authorization").WithBody(r.Body + "&client_id=is_tbank01&client_secret=123"),
			})
		}
	})
}

func TestClientSecretPostAtEveryEndpoint(t *testing.T) {
	t.Parallel()
	s := newSite(t, allowPost)
	s.inBothVersions(t, func(v *visit) {
		for name, r := range beside(v.w.Token(v.c)) {
			post := r.With("Authorization").WithBody(r.Body + "&client_id=is_tbank01&client_secret=123")
			v.Run(name, func(t *testing.T) {
				c := v.c.For(t)
				wantIC.check(t, c.Do(post.WithBody(post.Body+"4")))
				wantBR("invalid_request").check(t, c.Do(post.With("Authorization", fixture.Basic)))
				wantIC.check(t, c.Do(post.WithBody(post.Body+"&client_secret=123")))
				if a := c.Do(post); a.Status != http.StatusOK {
					t.Errorf("answer %s", a)
				}
			})
		}
		o := body(v.T, v.c.Do(get(metadataPath)))
		if list, _ := o["introspection_endpoint_auth_methods_supported"].([]any); encodeList(list) != "client_secret_basic client_secret_post " {
			v.Errorf("the metadata lists %v", list)
		}
	})
}
