// A real OpenID provider on loopback, of the npm package oidc-provider:
//   node oidc_provider.mjs PORT REDIRECT_URI
// Who signs in is called by what they type; "ada" is in the group web-approvers. POST /_test/spoil/HOW has it sign
// ID tokens that no provider should; POST /_test/rotate has it sign by a new key, of the other algorithm. Ends with
// its standard input.
import { createServer } from 'node:http'
import { createRequire } from 'node:module'
import { pathToFileURL } from 'node:url'

const from = createRequire(process.env.OIDC_PROVIDER + '/')
const load = (name) => import(pathToFileURL(from.resolve(name)).href)
const { default: Provider } = await load('oidc-provider')
const { decodeJwt, exportJWK, generateKeyPair, SignJWT, UnsecuredJWT } = await load('jose')

const [port, redirectUri] = process.argv.slice(2)
const issuer = `http://127.0.0.1:${port}`
let spoil = ''
let rotations = 0

async function spoiled(token, key, header) {
  const claims = decodeJwt(token)
  if (spoil === 'none') return new UnsecuredJWT(claims).encode()
  if (spoil === 'nonce') claims.nonce = 'of-another-question'
  if (spoil === 'audience') claims.aud = 'another-client'
  if (spoil === 'issuer') claims.iss = 'https://another.example'
  if (spoil === 'expired') claims.exp = Math.floor(Date.now() / 1000) - 600
  if (spoil === 'signature') key = (await generateKeyPair(header.alg)).privateKey
  return new SignJWT(claims).setProtectedHeader(header).sign(key)
}

async function newProvider() {
  const alg = rotations % 2 === 0 ? 'RS256' : 'ES256'
  const header = { alg, kid: `key-${rotations}` }
  const { privateKey } = await generateKeyPair(alg, { extractable: true })
  const provider = new Provider(issuer, {
    clients: [{
      client_id: 'hallmark', client_secret: 'a secret: of %the client', redirect_uris: [redirectUri],
      id_token_signed_response_alg: alg,
    }],
    jwks: { keys: [{ ...(await exportJWK(privateKey)), ...header, use: 'sig' }] },
    claims: { openid: ['sub'], email: ['email', 'email_verified'], profile: ['groups'] },
    findAccount: (_, id) => ({
      accountId: id,
      claims: () => ({
        // "ada+2" is another person, who has got at ada's address.
        sub: id, email: `${id.split('+')[0]}@example.com`, email_verified: id !== 'liar',
        groups: id.startsWith('ada') ? ['web-approvers', 'everybody-else'] : ['everybody-else'],
      }),
    }),
    // Consent is no matter of ours.
    async loadExistingGrant(ctx) {
      const grant = new ctx.oidc.provider.Grant({ clientId: ctx.oidc.client.clientId, accountId: ctx.oidc.session.accountId })
      grant.addOIDCScope('openid email profile')
      await grant.save()
      return grant
    },
    pkce: { methods: ['S256'], required: () => true },
    cookies: { keys: ['tests only'] },
  })
  provider.use(async (ctx, next) => {
    await next()
    if (spoil && ctx.body?.id_token) ctx.body.id_token = await spoiled(ctx.body.id_token, privateKey, header)
  })
  return provider.callback()
}

let answer = await newProvider()
const server = createServer(async (request, response) => {
  const [, test, what, how] = request.url.split('/')
  if (test !== '_test') return answer(request, response)
  if (what === 'spoil') spoil = how
  if (what === 'rotate') {
    ++rotations
    answer = await newProvider()
  }
  response.end('done')
})
server.listen(Number(port), '127.0.0.1', () => console.log(issuer))
process.stdin.resume().on('end', () => process.exit(0))
