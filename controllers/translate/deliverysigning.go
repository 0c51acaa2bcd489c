package translate

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/d1gateway/d1gateway/api/serving"
	"github.com/d1gateway/d1gateway/api/v1alpha1"
)

const defaultSigningOverlapHours = 168

// deliverySigning is where the generated material that signs deliveries stands. New material goes through three writes, and a crash between any two of
// them is made good by the next run, which goes by what it finds:
//
//  1. the GatewaySecrets document gets it;
//  2. the Gateway document names it, before the material that people go by, so that deliveries are signed with both;
//  3. when every live server replica serves that, the Secret shows it, and the former material gets its end.
//
// While some waits to be shown none is made: whoever asks meanwhile is answered by it. The first material is shown at once, before servers sign with it.
type deliverySigning struct {
	in GatewayInput
	// lines are those of the algorithms that some delivery needs.
	lines []*signingLine
	// overlaps say for each algorithm how long the former material signs.
	overlaps map[v1alpha1.DeliverySigningAlgorithm]time.Duration
	// byHand is a secret that a person has put beside the current one; it signs while it is there.
	byHand serving.Secret
	// shownSecret and shownKey are what the Secret shows.
	shownSecret serving.Secret
	shownKey    string
	events      []KeyEvent
}

func newDeliverySigning(in GatewayInput, all deliveries) *deliverySigning {
	s := &deliverySigning{in: in, overlaps: map[v1alpha1.DeliverySigningAlgorithm]time.Duration{}}
	for _, d := range all.inOrder() {
		hours := int32(defaultSigningOverlapHours)
		if d.Signing != nil && d.Signing.OverlapHours > 0 {
			hours = d.Signing.OverlapHours
		}
		for _, a := range d.algorithms() {
			s.overlaps[a] = max(s.overlaps[a], time.Duration(hours)*time.Hour)
		}
	}
	for _, a := range []v1alpha1.DeliverySigningAlgorithm{v1alpha1.SigningHMAC, v1alpha1.SigningEd25519} {
		if _, needed := s.overlaps[a]; needed {
			line := lineOf(a, in.Previous, in.PreviousSecrets)
			s.lines = append(s.lines, &line)
		}
	}
	return s
}

// line answers that of the algorithm; nil when no delivery needs it.
func (s *deliverySigning) line(a v1alpha1.DeliverySigningAlgorithm) *signingLine {
	i := slices.IndexFunc(s.lines, func(l *signingLine) bool { return l.algorithm == a })
	if i < 0 {
		return nil
	}
	return s.lines[i]
}

// dated answers a secret of the line's as the document holds it.
func (s *deliverySigning) dated(secret serving.Secret) serving.SigningSecret {
	return serving.SigningSecret{ID: generatedID(s.in.Gateway, secret), Secret: secret, CreatedAt: s.in.Now}
}

func generatedID(g *v1alpha1.MerchantGateway, secret serving.Secret) string {
	return materialID(generatedSigningSecret, deliverySecretName(g), secret.Reveal())
}

func (s *deliverySigning) newMaterial(a v1alpha1.DeliverySigningAlgorithm) serving.SigningSecret {
	if a == v1alpha1.SigningEd25519 {
		return s.dated(s.in.Generate.DeliveryKey())
	}
	return s.dated(s.in.Generate.DeliverySecret())
}

// advance brings every line to where it should be now. It reads as a list of steps: what has ended goes, what is missing or asked for is made, what every
// server signs with is shown.
func (s *deliverySigning) advance() {
	var made, shown []string
	var until time.Time
	for _, l := range s.lines {
		l.end(s.in.Now)
		s.supply(l)
		if l.waits() && !isNamedID(s.in.Previous, l.secrets[0].ID) {
			made = append(made, string(l.algorithm))
		}
		last := s.in.Now.Add(s.overlaps[l.algorithm])
		if l.waits() && s.mayShow(l) {
			l.secrets[1].SignsUntil, until = last, later(until, last)
			shown = append(shown, string(l.algorithm))
		}
		l.shorten(last)
		l.bound()
	}
	if len(made) > 0 {
		s.event(EventDeliverySigningRotated, "New material (%s) signs deliveries beside the one before", strings.Join(made, ", "))
	}
	if len(shown) > 0 {
		s.event(EventDeliverySigningShown, "Secret %q shows the new material (%s): every server replica signs with it; the former one signs until %s at the latest",
			deliverySecretName(s.in.Gateway), strings.Join(shown, ", "), until.Format(time.RFC3339))
	}
}

// supply makes what the line lacks, and what is asked for.
func (s *deliverySigning) supply(l *signingLine) {
	switch {
	case len(l.secrets) == 0:
		// The first one is not dated: servers of the version before read such a document, as long as nothing is used that they do not know.
		first := s.newMaterial(l.algorithm)
		first.CreatedAt = time.Time{}
		l.secrets = append(l.secrets, first)
		if l.algorithm == v1alpha1.SigningEd25519 && s.shownKey != "" {
			s.event(EventDeliverySigningKeyLost, "The private key of the public_key in Secret %q is lost: a new one was made, and backends need its public key", deliverySecretName(s.in.Gateway))
		}
	case s.isAskedFor() && !l.waits() && !l.tookOver:
		l.rotate(s.newMaterial(l.algorithm))
	}
}

// isAskedFor says whether there is a request that was not acted on. The one that a gateway is born with is answered by its first material.
func (s *deliverySigning) isAskedFor() bool {
	return s.in.Previous != nil && deliverySigningRequest(s.in) != s.in.Previous.SigningRotationRequest
}

// deliverySigningRequest answers the request that counts as acted on from now on.
func deliverySigningRequest(in GatewayInput) string {
	if request := requestOf(in.Gateway, v1alpha1.AnnotationRotateDeliverySigningRequestedAt); request != "" {
		return request
	}
	if in.Previous != nil {
		return in.Previous.SigningRotationRequest
	}
	return ""
}

// mayShow says whether no backend that goes by the newest secret can be sent a delivery without its signature, or the Secret shows it already.
func (s *deliverySigning) mayShow(l *signingLine) bool {
	return s.shows(l.secrets[0]) || s.in.PreviousServed && isNamedID(s.in.Previous, l.secrets[0].ID)
}

func isNamedID(doc *serving.Gateway, id string) bool {
	return doc != nil && slices.Contains(materialNamedBy(doc), id)
}

func (s *deliverySigning) event(reason, format string, args ...any) {
	s.events = append(s.events, KeyEvent{Reason: reason, Message: fmt.Sprintf(format, args...)})
}

// all answers every secret that signs or waits to be pruned, as the document holds them.
func (s *deliverySigning) all() []serving.SigningSecret {
	var all []serving.SigningSecret
	for _, l := range s.lines {
		all = append(all, l.secrets...)
	}
	if !s.byHand.IsZero() {
		all = append(all, serving.SigningSecret{ID: generatedID(s.in.Gateway, s.byHand), Secret: s.byHand})
	}
	return all
}

// ids answers what signs for a delivery with these algorithms, the newest of each first.
func (s *deliverySigning) ids(algorithms []v1alpha1.DeliverySigningAlgorithm) []string {
	var ids []string
	add := func(id string) {
		if !slices.Contains(ids, id) {
			ids = append(ids, id)
		}
	}
	for i := range maxGeneratedSecrets {
		for _, a := range algorithms {
			if l := s.line(a); l != nil && i < len(l.secrets) {
				add(l.secrets[i].ID)
			}
		}
	}
	if !s.byHand.IsZero() && slices.Contains(algorithms, v1alpha1.SigningHMAC) {
		add(generatedID(s.in.Gateway, s.byHand))
	}
	return ids
}

// deliveryPublicKeys answers the public keys that verify what generated keys sign, the newest first. One that is not shown in the Secret yet is not shown
// here either.
func deliveryPublicKeys(doc *serving.Gateway, secrets *serving.GatewaySecrets) []string {
	line := lineOf(v1alpha1.SigningEd25519, doc, secrets)
	line.secrets = slices.DeleteFunc(line.secrets, func(s serving.SigningSecret) bool { return !isNamedID(doc, s.ID) })
	if line.waits() {
		line.secrets = line.secrets[1:]
	}
	var keys []string
	for _, s := range line.secrets {
		if key := publicKeyOf(s.Secret); key != "" {
			keys = append(keys, key)
		}
	}
	return keys
}
