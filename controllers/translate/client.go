package translate

import (
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/d1gateway/d1gateway/api/serving"
	"github.com/d1gateway/d1gateway/api/v1alpha1"
)

// Client decides what is served for one OAuthClient.
func Client(in ClientInput) ClientOutput {
	in.Now = wholeSeconds(in.Now)
	from := originOf(in.Client)
	accepted := yes(v1alpha1.ReasonAccepted, "Nothing stands against it")
	if in.Client.Spec.State == v1alpha1.ClientSuspended {
		accepted = yes(v1alpha1.ReasonSuspended, "The client is suspended by spec.state: it gets no token, and no token that it has works")
	}
	problems := append(gatewayProblems(in), methodProblems(in)...)
	var credentials issue
	switch from {
	case originExisting:
		found, p := existingCredentials(in)
		if p != nil {
			problems = append(problems, *p)
		}
		credentials = found
	case originKeySet, originCertificate:
		found, err := ownCredentials(in)
		if err != nil {
			accepted = no(v1alpha1.ReasonInvalid, err.Error())
		}
		credentials = found
	case originGenerated: // made below, once nothing stands against it
	}
	if in.Holder != "" {
		accepted = no(v1alpha1.ReasonClientIDConflict, fmt.Sprintf("The client id %q is held by OAuthClient %s on a host and token path that both answer on; choose another spec.clientID",
			EffectiveClientID(in.Client, in.Secret, in.Previous), in.Holder))
	}
	resolved := resolvedRefs(problems)
	ready := credentialsReady(in, credentials)

	out := ClientOutput{Action: Write}
	switch {
	case in.Holder != "":
		out.Action = Withdraw
	case !accepted.holds() || !resolved.holds() || ready.reason == v1alpha1.ReasonSecretNotOwned:
		out = keepClient(in)
	default:
		if from == originGenerated {
			credentials = generatedCredentials(in)
			ready = generatedReady(in, credentials)
			out.Secret = credentialsSecret(in, credentials)
		}
		if credentials.clientID == "" {
			credentials.clientID = in.Generate.ClientID()
		}
		out.Document = clientDocument(in, credentials)
		out.Issued, out.Shown, out.Restored = credentials.issued, credentials.announced, credentials.restored
		if _, err := serving.Encode(out.Document); err != nil {
			accepted = no(v1alpha1.ReasonInvalid, fmt.Sprintf("What would be served is not valid: %v", err))
			out = keepClient(in)
		}
	}
	reasons := []judgement{{v1alpha1.ConditionAccepted, accepted}, {v1alpha1.ConditionResolvedRefs, resolved}, {v1alpha1.ConditionCredentialsReady, ready}}
	out.Status, out.NextChange = clientStatus(in, out, credentials)
	out.Status.Conditions = conditionsOf(in.Client.Generation, append(reasons, judgement{v1alpha1.ConditionProgrammed, clientProgrammed(in, out, reasons)})...)
	return out
}

// clientProgrammed says what becomes of the document, and when the last good one serves.
func clientProgrammed(in ClientInput, out ClientOutput, reasons []judgement) verdict {
	blocked := slices.ContainsFunc(reasons, func(j judgement) bool { return !j.holds() })
	kept := out.Action == Keep && in.Previous != nil
	switch {
	case blocked && out.Action == Write && out.Secret == nil:
		return no(v1alpha1.ReasonNotProgrammed, "The last good configuration serves on, except that the suspension is in force")
	case kept && len(gatewayProblems(in)) > 0:
		return no(v1alpha1.ReasonNotProgrammed, "ResolvedRefs says what stands against this configuration; the last good one is served when its gateway is")
	case kept && len(methodProblems(in)) > 0:
		return no(v1alpha1.ReasonNotProgrammed, "ResolvedRefs says what stands against this configuration; the last good one serves on where the gateway allows its method")
	default:
		return programmed(out.Action, in.Previous != nil, reasons...)
	}
}

func gatewayProblems(in ClientInput) []problem {
	at := field.NewPath("spec", "gatewayRef", "name")
	name := in.Client.Spec.GatewayRef.Name
	if in.GatewayDeleted {
		return []problem{problemAt(at, v1alpha1.ReasonGatewayNotFound, "MerchantGateway %q is being deleted", name)}
	}
	if in.Gateway == nil {
		return []problem{problemAt(at, v1alpha1.ReasonGatewayNotFound, "MerchantGateway %q does not exist in namespace %q", name, in.Client.Namespace)}
	}
	accepted := meta.FindStatusCondition(in.Gateway.Status.Conditions, v1alpha1.ConditionAccepted)
	switch {
	case accepted != nil && accepted.Status != metav1.ConditionTrue:
		return []problem{problemAt(at, v1alpha1.ReasonGatewayNotAccepted, "MerchantGateway %q is not accepted; its conditions say why", name)}
	case accepted == nil || !in.GatewayServed:
		return []problem{problemAt(at, v1alpha1.ReasonGatewayNotServed, "MerchantGateway %q is not served yet; its conditions say why", name)}
	default:
		return nil
	}
}

// methodProblems holds the client's method to what its gateway lists. Servers refuse every other method whatever a client's document says.
func methodProblems(in ClientInput) []problem {
	if in.Gateway == nil || methodAllowed(in.Client, in.Gateway) {
		return nil
	}
	method := methodOf(in.Client)
	var values []string
	for _, m := range endpointMethodsFor(method) {
		values = append(values, string(m))
	}
	return []problem{problemAt(field.NewPath("spec", "credentials", "method"), v1alpha1.ReasonMethodNotAllowed,
		"MerchantGateway %q does not allow %s; add %s to its spec.authentication.tokenEndpointMethods, or choose another method", in.Client.Spec.GatewayRef.Name, method, strings.Join(values, " or "))}
}

// credentialsReady answers what can be said of the credentials before any are made.
func credentialsReady(in ClientInput, found issue) verdict {
	spec := in.Client.Spec.Credentials
	from := originOf(in.Client)
	switch {
	case from == originExisting && found.current.IsZero():
		return no(v1alpha1.ReasonCredentialsPending, "ResolvedRefs says what is wrong with the Secret")
	case from == originExisting && utf8.RuneCountInString(found.current.Reveal()) < weakSecretLength:
		return yes(v1alpha1.ReasonWeakSecret, fmt.Sprintf("The credentials work, but client_secret in Secret %q has fewer than %d characters: agree on a longer, random one", spec.SecretName, weakSecretLength))
	case from == originExisting:
		return yes(v1alpha1.ReasonCredentialsReady, credentialsInPlace(in))
	case !from.inSecret() && found.publicKeys == nil && found.certificate == nil:
		return no(v1alpha1.ReasonCredentialsPending, "Accepted says what is wrong with spec.credentials")
	case from == originKeySet:
		return yes(v1alpha1.ReasonCredentialsReady, "The public keys are in spec.credentials.jwks")
	case from == originCertificate:
		return yes(v1alpha1.ReasonCredentialsReady, "spec.credentials.certificate says which certificates are the client's")
	case in.Secret != nil && !generatedFor(in.Secret, in.Client, kindOAuthClient):
		return no(v1alpha1.ReasonSecretNotOwned, fmt.Sprintf("spec.credentials.secretName: Secret %q was not made for this OAuthClient and is not touched; choose another name, remove it, or use source Existing", spec.SecretName))
	case in.Secret != nil && holdsCurrent(in):
		return yes(v1alpha1.ReasonCredentialsReady, credentialsInPlace(in))
	default:
		return no(v1alpha1.ReasonCredentialsPending, "The credentials are made when the other conditions allow it")
	}
}

// holdsCurrent says whether a generated Secret shows the secret that people go by, or without a document would go by.
func holdsCurrent(in ClientInput) bool {
	r := &rotation{in: in, live: previousCredentials(in)}
	r.findNext()
	held := r.held(v1alpha1.KeyClientSecret)
	return r.isInUse(held) || in.Previous == nil && adoptablePattern.MatchString(held)
}

func credentialsInPlace(in ClientInput) string {
	return fmt.Sprintf("The credentials are in Secret %q", in.Client.Spec.Credentials.SecretName)
}

// keepClient leaves the last good document, except that a suspension is put in force whatever else stands against the client: whoever suspends
// it relies on that.
func keepClient(in ClientInput) ClientOutput {
	suspend := in.Client.Spec.State == v1alpha1.ClientSuspended
	if in.Previous == nil || !suspend || in.Previous.Suspended {
		return ClientOutput{Action: Keep}
	}
	doc := *in.Previous
	doc.Suspended = true
	doc.TokensNotBefore = tokensNotBefore(in)
	return ClientOutput{Action: Write, Document: &doc}
}

func clientDocument(in ClientInput, i issue) *serving.Client {
	c := in.Client
	doc := &serving.Client{
		Header:          serving.Header{Format: serving.Format, Kind: serving.KindClient, Namespace: c.Namespace, Name: c.Name, UID: string(c.UID), Generation: c.Generation},
		Gateway:         c.Spec.GatewayRef.Name,
		ClientID:        i.clientID,
		Suspended:       c.Spec.State == v1alpha1.ClientSuspended,
		TokensNotBefore: tokensNotBefore(in),
		RotationRequest: rotationRequest(in),
		Credentials:     i.live,
		PublicKeys:      i.publicKeys,
		Certificate:     i.certificate,
	}
	for _, s := range c.Spec.Scopes {
		doc.Scopes = append(doc.Scopes, string(s))
	}
	return doc
}

// tokensNotBefore ends the tokens of an earlier client of the same name and those issued before the last suspension, also after it is lifted.
// A server issues tokens until it has learned of the suspension, so those of the next seconds end with it. A client without a document begins
// now, whenever it was created: a document that was lost may have ended tokens, and outside a cluster so may a client that was deleted.
func tokensNotBefore(in ClientInput) time.Time {
	at := wholeSeconds(in.Client.CreationTimestamp.Time)
	wasSuspended := false
	if in.Previous == nil {
		at = later(at, in.Now)
	} else {
		at = later(at, in.Previous.TokensNotBefore)
		wasSuspended = in.Previous.Suspended
	}
	if in.Client.Spec.State == v1alpha1.ClientSuspended && !wasSuspended {
		// After an earlier suspension that has just been lifted, servers issue tokens as of the time that it left here, which lies ahead.
		at = later(at.Add(time.Second), in.Now.Add(propagation))
	}
	return at
}

// clientStatus answers what the status shows beside the conditions, and when time alone changes it.
func clientStatus(in ClientInput, out ClientOutput, credentials issue) (v1alpha1.OAuthClientStatus, time.Time) {
	served := out.Document
	if out.Action == Keep {
		served = in.Previous
	}
	if served == nil {
		// The claim to a client id stands while there is nothing to serve: others see it in the status.
		return v1alpha1.OAuthClientStatus{ClientID: EffectiveClientID(in.Client, in.Secret, in.Previous)}, time.Time{}
	}
	live := liveCredentials(served.Credentials, in.Now)
	status := v1alpha1.OAuthClientStatus{
		ClientID:                   served.ClientID,
		Credentials:                append(credentialStatus(in, live), ownCredentialStatus(in, served)...),
		LastHandledRotationRequest: answeredRequest(in, out, credentials),
	}
	next := nextExpiry(live)
	if out.Action == Write {
		next = sooner(next, credentials.nextRetirement)
	}
	if out.Secret != nil {
		status.NextRotationTime = statusTime(credentials.nextRotation)
		next = sooner(next, credentials.nextRotation)
	}
	return status, next
}

// answeredRequest answers the request for another secret that people can see the answer to.
func answeredRequest(in ClientInput, out ClientOutput, credentials issue) string {
	switch {
	case originOf(in.Client) != originGenerated:
		return ""
	case out.Secret == nil || !credentials.next.IsZero():
		return in.Client.Status.LastHandledRotationRequest
	default:
		return out.Document.RotationRequest
	}
}
