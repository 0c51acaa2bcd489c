package replica

import (
	"slices"
	"time"

	api "github.com/d1gateway/d1gateway/api/serving"
	"github.com/d1gateway/d1gateway/webhook-server/serving"
)

// resource is the namespace and the name of a MerchantGateway or an OAuthClient.
type resource struct{ namespace, name string }

// known finds the credentials and signing keys that a Snapshot names.
type known struct {
	snapshot *serving.Snapshot
	clients  map[resource]*serving.Client
	gateways map[resource]*serving.Gateway
}

func newKnown(s *serving.Snapshot) *known {
	k := &known{snapshot: s, clients: map[resource]*serving.Client{}, gateways: map[resource]*serving.Gateway{}}
	for _, g := range s.Gateways() {
		k.gateways[resource{g.Namespace, g.Name}] = g
	}
	for c := range s.Clients() {
		k.clients[resource{c.Namespace, c.Name}] = c
	}
	return k
}

// find says whether the credential is named, and whether it is one of several of its client that are live now. While some document is not
// served at all, nothing counts as gone: it may be in that document, and a use that was forgotten would look like none.
func (k *known) find(c credential, now time.Time) (several, ok bool) {
	document := resource{c.namespace, c.name}
	switch c.kind {
	case api.KindClient:
		if client := k.clients[document]; client != nil {
			if live, ok := credentials(client.Client, c.id, now); ok {
				return live > 1, true
			}
		}
	case api.KindGateway:
		if g := k.gateways[document]; g != nil && slices.Contains(g.SigningKeys, c.id) {
			return false, true
		}
	}
	return false, k.snapshot.Incomplete()
}

// credentials answers how many live credentials the client has, and whether one has that id.
func credentials(c *api.Client, id string, now time.Time) (live int, ok bool) {
	for _, secret := range c.Credentials {
		ok = ok || secret.ID == id
		if secret.ExpiresAt.IsZero() || now.Before(secret.ExpiresAt) {
			live++
		}
	}
	for _, key := range c.PublicKeys {
		ok = ok || key.ID == id
		live++
	}
	if c.Certificate != nil {
		ok = ok || c.Certificate.ID == id
		live++
	}
	return live, ok
}
