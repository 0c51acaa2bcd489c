package translate

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/d1gateway/d1gateway/api/serving"
	"github.com/d1gateway/d1gateway/api/v1alpha1"
)

// Gateway decides what is served for one MerchantGateway.
func Gateway(in GatewayInput) GatewayOutput {
	in.Now = wholeSeconds(in.Now)
	refs := newReferences(in)
	plan := planGateway(in, refs)

	accepted := yes(v1alpha1.ReasonAccepted, "Nothing stands against it")
	resolved := resolvedRefs(refs.problems)
	if in.Holder != "" {
		accepted = no(v1alpha1.ReasonGatewayIDConflict, fmt.Sprintf("spec.gatewayID: %s is held by the older MerchantGateway %s and cannot be changed: delete one of the two", in.Gateway.Spec.GatewayID, in.Holder))
	}
	out := GatewayOutput{Action: Write}
	switch {
	case !accepted.holds():
		out.Action = Withdraw
	case !resolved.holds():
		out = keepGateway(in)
	default:
		if err := plan.complete(&out); err != nil {
			accepted = no(v1alpha1.ReasonInvalid, err.Error())
			out = keepGateway(in)
		}
	}
	if accepted.holds() {
		out.NextChange = sooner(out.NextChange, refs.nextChange)
	}
	reasons := []judgement{{v1alpha1.ConditionAccepted, accepted}, {v1alpha1.ConditionResolvedRefs, resolved}}
	out.KeyEvents = append(keyEvents(in, out), out.KeyEvents...)
	out.Status = gatewayStatus(in, out, accepted.holds() && resolved.holds())
	out.Status.Conditions = conditionsOf(in.Gateway.Generation, append(reasons, judgement{v1alpha1.ConditionProgrammed, gatewayProgrammed(in, out, reasons)})...)
	refs.addCertificates(in.Gateway, &out)
	return out
}

// gatewayPlan is a gateway with its references resolved; what must be generated is still missing.
type gatewayPlan struct {
	in         GatewayInput
	refs       *references
	deliveries deliveries
	// signing is nil when nothing is signed with generated material.
	signing *deliverySigning
}

// planGateway resolves every reference, so that refs holds all problems at once.
func planGateway(in GatewayInput, refs *references) *gatewayPlan {
	p := &gatewayPlan{in: in, refs: refs, deliveries: deliveriesOf(in.Gateway)}
	if p.deliveries.generated() {
		p.signing = refs.findDeliverySigning(in, p.deliveries)
	}
	p.document(nil)
	return p
}

// complete makes what is missing and fills in the output. The error says, by field, why the result cannot be served.
func (p *gatewayPlan) complete(out *GatewayOutput) error {
	if len(baseURLs(p.in.Gateway.Spec.Hostnames, p.in.ExternalURL)) == 0 {
		return errors.New("spec.hostnames: name a host, or start the operator with --external-url: the issuer of access tokens is made from it")
	}
	if p.signing != nil {
		p.signing.advance()
		for _, s := range p.signing.all() {
			p.refs.material.SigningSecrets = addMaterial(p.refs.material.SigningSecrets, s, signingSecretID)
		}
		out.SigningSecret = p.signing.object()
		out.KeyEvents = p.signing.events
	}
	keys, next, err := signingKeys(p.in, policyOf(p.in))
	if err != nil {
		return fmt.Errorf("spec.accessTokens: %w", err)
	}
	p.refs.material.SigningKeys = keys
	out.Document = p.document(keys)
	out.Secrets = gatewaySecrets(out.Document.Header, p.refs.material, p.in.Previous, p.in.PreviousSecrets)
	out.NextChange = next
	if p.signing != nil {
		out.NextChange = sooner(next, nextSigningEnd(p.signing.all(), p.in.Now))
	}
	for _, d := range []serving.Document{out.Document, out.Secrets} {
		if _, err := serving.Encode(d); err != nil {
			return fmt.Errorf("what would be served is not valid: %w", err)
		}
	}
	return nil
}

// document answers the Gateway document. Resolving its references may report problems.
func (p *gatewayPlan) document(keys []serving.SigningKey) *serving.Gateway {
	g, spec := p.in.Gateway, p.in.Gateway.Spec
	doc := &serving.Gateway{
		Header:                 serving.Header{Format: serving.Format, Kind: serving.KindGateway, Namespace: g.Namespace, Name: g.Name, UID: string(g.UID), Generation: g.Generation},
		GatewayID:              spec.GatewayID,
		AuthMethods:            authMethods(g),
		AccessTokenSeconds:     int(spec.AccessTokens.LifetimeSeconds),
		RotationRequest:        gatewayRotationRequest(p.in),
		SigningRotationRequest: deliverySigningRequest(p.in),
		CertificateBoundTokens: spec.AccessTokens.Binding == v1alpha1.TokenBindingClientCertificate,
		OAuthDisabled:          spec.Authentication.OAuth == v1alpha1.OAuthDisabled,
		ServerCertificate:      p.refs.serverCertificate(spec.TLS, spec.Hostnames),
		StrictUpdateTypes:      spec.UpdateTypes == v1alpha1.UpdateTypesStrict,
		DeliverUnlisted:        spec.Merchants.Unlisted == v1alpha1.UnlistedDeliver,
	}
	if bases := baseURLs(spec.Hostnames, p.in.ExternalURL); len(bases) > 0 {
		doc.Issuer = bases[0] + "/merchant-gateways/" + spec.GatewayID
	}
	for _, h := range spec.Hostnames {
		doc.Hostnames = append(doc.Hostnames, string(h))
	}
	for _, e := range spec.TokenEndpoints {
		doc.TokenEndpoints = append(doc.TokenEndpoints, serving.TokenEndpoint{Path: e.Path, Dialect: serving.Dialect(e.Dialect)})
	}
	slices.SortFunc(doc.TokenEndpoints, func(a, b serving.TokenEndpoint) int { return strings.Compare(a.Path, b.Path) })
	doc.SigningKeys = idsOf(keys)
	doc.ClientCertificate = p.clientCertificate()
	p.addDestinations(doc)
	doc.TokenLookup = p.tokenLookup()
	return doc
}

func (p *gatewayPlan) clientCertificate() *serving.ClientCertificate {
	c := p.in.Gateway.Spec.Authentication.ClientCertificate
	if c.Mode != v1alpha1.ClientCertificateRequired {
		return nil
	}
	return &serving.ClientCertificate{
		CABundle:         p.refs.caBundle(field.NewPath("spec", "authentication", "clientCertificate", "caSecretRef"), c.CASecretRef, v1alpha1.CertificateClientCA),
		CertificateRules: certificateRules(c.Subjects, c.SubjectAltNames),
	}
}

func (p *gatewayPlan) addDestinations(doc *serving.Gateway) {
	if d := p.deliveries.fallback; d != nil {
		doc.Delivery = p.refs.destination(*d, p.signing.ids)
	}
	items := slices.Clone(p.in.Gateway.Spec.Merchants.Items)
	slices.SortFunc(items, func(a, b v1alpha1.Merchant) int { return strings.Compare(a.ID, b.ID) })
	for _, m := range items {
		merchant := serving.Merchant{ID: m.ID}
		if d, ok := p.deliveries.own[m.ID]; ok {
			merchant.Delivery = p.refs.destination(d, p.signing.ids)
		}
		doc.Merchants = append(doc.Merchants, merchant)
	}
}

func (p *gatewayPlan) tokenLookup() *serving.TokenLookup {
	l := p.in.Gateway.Spec.TokenLookup
	if l == nil {
		return nil
	}
	return &serving.TokenLookup{
		URL:                  l.URL,
		TimeoutSeconds:       int(l.TimeoutSeconds),
		CacheSeconds:         int(valueOr(l.CacheSeconds, 0)),
		NewTokenGraceSeconds: int(valueOr(l.NewTokenGraceSeconds, 0)),
		TLS:                  p.refs.tls(field.NewPath("spec", "tokenLookup", "tls"), l.TLS, v1alpha1.CertificateLookupCA, v1alpha1.CertificateLookupClient),
		OAuth:                p.refs.oauth(field.NewPath("spec", "tokenLookup", "oauth"), l.OAuth, v1alpha1.CertificateLookupCA, v1alpha1.CertificateLookupClient),
	}
}

// gatewayStatus answers what the status shows beside the conditions: what is served now, or was and still is.
// good says that nothing stands against the gateway as it is now.
func gatewayStatus(in GatewayInput, out GatewayOutput, good bool) v1alpha1.MerchantGatewayStatus {
	var status v1alpha1.MerchantGatewayStatus
	var bases []string
	if out.Action == Withdraw {
		return status
	}
	switch {
	case good:
		bases = baseURLs(in.Gateway.Spec.Hostnames, in.ExternalURL)
		status.TokenURLs = TokenURLs(in.Gateway, in.ExternalURL)
		if out.SigningSecret != nil {
			status.SigningSecretName = out.SigningSecret.Name
		}
	case in.Previous != nil:
		bases = baseURLs(in.Previous.Hostnames, in.ExternalURL)
		status.TokenURLs = servedTokenURLs(in.Previous, in.ExternalURL, in.Gateway.Status.TokenURLs, TokenURLs(in.Gateway, in.ExternalURL))
		status.SigningSecretName = in.Gateway.Status.SigningSecretName
	}
	if len(bases) > 0 {
		status.NotificationURL = bases[0]
	}
	if doc, secrets := servedDocuments(in, out); doc != nil {
		status.SigningKeys = signingKeyStatus(in, servedKeys(doc, secrets))
		status.WithdrawnKeys = withdrawnKeys(in.Gateway, doc)
		status.LastHandledRotationRequest = doc.RotationRequest
		status.LastHandledSigningRotationRequest = doc.SigningRotationRequest
		status.DeliveryPublicKeys = deliveryPublicKeys(doc, secrets)
	}
	return status
}

func valueOr[T any](p *T, fallback T) T {
	if p == nil {
		return fallback
	}
	return *p
}
