package translate_test

import (
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/d1gateway/d1gateway/api/serving"
	"github.com/d1gateway/d1gateway/api/v1alpha1"
	"github.com/d1gateway/d1gateway/controllers/translate"
)

func at(seconds int) metav1.Time {
	return metav1.NewTime(time.Date(2026, 3, 1, 10, 0, seconds, 0, time.UTC))
}

func aGateway(namespace, name, id string, created metav1.Time, hosts ...v1alpha1.Hostname) v1alpha1.MerchantGateway {
	return v1alpha1.MerchantGateway{
		ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name, CreationTimestamp: created},
		Spec: v1alpha1.MerchantGatewaySpec{
			GatewayID: id, Hostnames: hosts,
			TokenEndpoints: []v1alpha1.TokenEndpoint{{Path: "/oauth2/token", Dialect: v1alpha1.DialectEcom}},
		},
	}
}

func aClient(namespace, name, gateway, id string, created metav1.Time) v1alpha1.OAuthClient {
	return v1alpha1.OAuthClient{
		ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name, CreationTimestamp: created},
		Spec:       v1alpha1.OAuthClientSpec{GatewayRef: v1alpha1.GatewayReference{Name: gateway}, ClientID: id},
	}
}

func TestTheOldestGatewayHoldsItsID(t *testing.T) {
	old, young := aGateway("b", "old", "MGW_000001", at(0)), aGateway("a", "young", "MGW_000001", at(1))
	twin, other := aGateway("a", "twin", "MGW_000001", at(0)), aGateway("a", "other", "MGW_000002", at(0))
	deleted := *old.DeepCopy()
	deleted.DeletionTimestamp = &metav1.Time{Time: at(9).Time}
	for _, tc := range []struct {
		name string
		of   v1alpha1.MerchantGateway
		all  []v1alpha1.MerchantGateway
		want string
	}{
		{"alone", old, nil, ""},
		{"the older one", old, []v1alpha1.MerchantGateway{young, old}, ""},
		{"the younger one", young, []v1alpha1.MerchantGateway{young, old}, "b/old"},
		{"of equal age, by namespace and name", old, []v1alpha1.MerchantGateway{old, young, twin}, "a/twin"},
		{"another id", young, []v1alpha1.MerchantGateway{other, young}, ""},
		{"an older one that is being deleted", young, []v1alpha1.MerchantGateway{deleted, young}, "b/old"},
		{"an outdated copy of itself", old, []v1alpha1.MerchantGateway{aGateway("b", "old", "MGW_000001", at(-5))}, ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if got := translate.GatewayHolder(&tc.of, tc.all); got != tc.want {
				t.Errorf("held by %q, want %q", got, tc.want)
			}
		})
	}
}

func TestTheOldestClientHoldsItsIDWhereBothAnswer(t *testing.T) {
	gateways := []v1alpha1.MerchantGateway{
		aGateway("a", "one", "MGW_000001", at(0), "one.example", "both.example"),
		aGateway("b", "two", "MGW_000002", at(0), "both.example"),
		aGateway("c", "elsewhere", "MGW_000003", at(0), "elsewhere.example"),
		aGateway("d", "any", "MGW_000004", at(0)),
	}
	mine := aClient("a", "mine", "one", "id", at(5))
	inStatus := aClient("b", "status", "two", "", at(0))
	inStatus.Status.ClientID = "id"
	servedOn := aClient("b", "served", "two", "asks-for-another", at(0))
	servedOn.Status.ClientID = "id"
	for _, tc := range []struct {
		name  string
		other v1alpha1.OAuthClient
		want  string
	}{
		{"an older one that asks for another id but is still served with this one", servedOn, "b/served"},
		{"an older one on a shared host", aClient("b", "other", "two", "id", at(0)), "b/other"},
		{"a younger one", aClient("b", "other", "two", "id", at(6)), ""},
		{"an older one with another id", aClient("b", "other", "two", "other", at(0)), ""},
		{"an older one on another host", aClient("c", "other", "elsewhere", "id", at(0)), ""},
		{"an older one on any host", aClient("d", "other", "any", "id", at(0)), "d/other"},
		{"an older one whose id stands in its status", inStatus, "b/status"},
		{"an older one without a gateway", aClient("b", "other", "nowhere", "id", at(0)), ""},
		{"an older one of a gateway of that name in another namespace", aClient("z", "other", "two", "id", at(0)), ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if got := translate.ClientHolder(&mine, "id", []v1alpha1.OAuthClient{mine, tc.other}, gateways); got != tc.want {
				t.Errorf("held by %q, want %q", got, tc.want)
			}
		})
	}
	served := func(c v1alpha1.OAuthClient) v1alpha1.OAuthClient {
		c.Status.ClientID, c.Status.Credentials = "id", []v1alpha1.CredentialStatus{{ID: "current"}}
		return c
	}
	for _, tc := range []struct {
		name   string
		mine   v1alpha1.OAuthClient
		others []v1alpha1.OAuthClient
		want   string
	}{
		{"the younger one is served", served(mine), []v1alpha1.OAuthClient{aClient("b", "other", "two", "id", at(0))}, ""},
		{"the older one is not, and asks", mine, []v1alpha1.OAuthClient{served(aClient("b", "other", "two", "id", at(9)))}, "b/other"},
		{"both are served", served(mine), []v1alpha1.OAuthClient{served(aClient("b", "other", "two", "id", at(0)))}, "b/other"},
		{"the younger of two others is served", mine, []v1alpha1.OAuthClient{aClient("b", "older", "two", "id", at(0)), served(aClient("b", "served", "two", "id", at(9)))}, "b/served"},
		{"the one that is served is on another host", mine, []v1alpha1.OAuthClient{served(aClient("c", "other", "elsewhere", "id", at(0)))}, ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if got := translate.ClientHolder(&tc.mine, "id", append(tc.others, tc.mine), gateways); got != tc.want {
				t.Errorf("held by %q, want %q", got, tc.want)
			}
		})
	}
	orphan := aClient("a", "orphan", "nowhere", "id", at(9))
	if got := translate.ClientHolder(&orphan, "id", []v1alpha1.OAuthClient{mine, orphan}, gateways); got != "" {
		t.Errorf("a client without a gateway is in conflict with %q", got)
	}
}

func TestTheClientIDOfAnUnlabelledSecretIsNotShown(t *testing.T) {
	c := aClient("a", "c", "g", "", at(0))
	c.Spec.Credentials = v1alpha1.ClientCredentials{SecretName: "s", Source: v1alpha1.CredentialsExisting}
	secret := &corev1.Secret{Data: map[string][]byte{v1alpha1.KeyClientID: []byte("private")}}
	if got := translate.EffectiveClientID(&c, secret, nil); got != "" {
		t.Errorf("got %q from a Secret that must not be used", got)
	}
	secret.Labels = map[string]string{v1alpha1.LabelAllowUse: "true"}
	if got := translate.EffectiveClientID(&c, secret, nil); got != "private" {
		t.Errorf("got %q from a Secret that may be used", got)
	}
	secret.Data[v1alpha1.KeyClientID] = []byte("not an id\n")
	if got := translate.EffectiveClientID(&c, secret, &serving.Client{ClientID: "before"}); got != "before" {
		t.Errorf("got %q, want the id of the document", got)
	}
}

func TestURLs(t *testing.T) {
	g := aGateway("a", "g", "MGW_000001", at(0))
	if got := translate.TokenURLs(&g, ""); got != nil {
		t.Errorf("without any host the URLs are %v", got)
	}
	if got := translate.TokenURLs(&g, "https://d1.example/base/"); len(got) != 1 || got[0] != "https://d1.example/base/oauth2/token" {
		t.Errorf("with an external URL the URLs are %v", got)
	}
	g.Spec.Hostnames = []v1alpha1.Hostname{"b.example", "a.example"}
	if got := translate.TokenURLs(&g, "https://d1.example"); len(got) != 2 || got[0] != "https://b.example/oauth2/token" {
		t.Errorf("with hostnames the URLs are %v", got)
	}
}
