package serving

import "slices"

// Missing names the first material that g refers to and s does not hold, or "" when g can be served with s.
// Something is missing while a newer Gateway has been seen before its GatewaySecrets.
func (g *Gateway) Missing(s *GatewaySecrets) string {
	keys := keysOf(s.SigningKeys, func(k SigningKey) string { return k.ID })
	secrets := keysOf(s.SigningSecrets, func(k SigningSecret) string { return k.ID })
	bundles := keysOf(s.CABundles, func(c CABundle) string { return c.ID })
	certificates := keysOf(s.Certificates, func(c KeyCertificate) string { return c.ID })
	credentials := keysOf(s.ClientCredentials, func(c ClientCredentials) string { return c.ID })

	missing := ""
	need := func(have []string, id, what string) {
		if id != "" && missing == "" && !slices.Contains(have, id) {
			missing = what + " " + id
		}
	}
	endpoint := func(t TLS, o *OAuth) {
		need(bundles, t.CABundle, "CA bundle")
		need(certificates, t.ClientCertificate, "certificate")
		if o != nil {
			need(credentials, o.Credentials, "client credentials")
			need(bundles, o.TLS.CABundle, "CA bundle")
			need(certificates, o.TLS.ClientCertificate, "certificate")
		}
	}
	for _, id := range g.SigningKeys {
		need(keys, id, "signing key")
	}
	if g.ClientCertificate != nil {
		need(bundles, g.ClientCertificate.CABundle, "CA bundle")
	}
	need(certificates, g.ServerCertificate, "certificate")
	for _, d := range g.destinations() {
		for _, id := range d.SigningSecrets {
			need(secrets, id, "signing secret")
		}
		endpoint(d.TLS, d.OAuth)
	}
	if g.TokenLookup != nil {
		endpoint(g.TokenLookup.TLS, g.TokenLookup.OAuth)
	}
	return missing
}

func (g *Gateway) destinations() []*Destination {
	var all []*Destination
	if g.Delivery != nil {
		all = append(all, g.Delivery)
	}
	for _, m := range g.Merchants {
		if m.Delivery != nil {
			all = append(all, m.Delivery)
		}
	}
	return all
}

func keysOf[T any](items []T, key func(T) string) []string {
	keys := make([]string, len(items))
	for i, item := range items {
		keys[i] = key(item)
	}
	return keys
}
