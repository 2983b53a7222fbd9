import { screen, waitFor } from '@testing-library/react'
import userEvent from '@testing-library/user-event'
import { beforeEach, expect, test, vi } from 'vitest'

import { settled, show } from './show'
import { admin, record, Refusal, serve, type Sent } from './server'

beforeEach(() => {
  vi.spyOn(window, 'scrollTo').mockImplementation(() => {})
})

const of = (sent: Sent[], path: string) => sent.filter((one) => one.path === path && one.method === 'POST')

function stream(...events: string[]): Response {
  return new Response(events.join(''), { headers: { 'Content-Type': 'text/event-stream' } })
}

test('approving sends exactly the evidence that was on the screen', async () => {
  const digest = record<{ image: { evidence_digest: string } }>('image_show_waiting').image.evidence_digest
  const sent = serve({
    'POST image/approve': () =>
      stream('data: {"type":"step","key":"register","state":"running"}\n\n', 'event: result\ndata: {"exit_code":0,"record":{}}\n\n'),
  })
  await show('/approvals/Web-1.0/Debian-12/1.2.0')
  await userEvent.type(screen.getByLabelText('Comment'), 'fine')
  await userEvent.click(screen.getByRole('button', { name: 'Approve' }))
  await screen.findByText('Approved.')
  const [call] = of(sent, 'image/approve')
  expect(call.body).toEqual({ ref: 'Web-1.0/Debian-12/1.2.0', evidence: digest, comment: 'fine' })
  expect(call.headers.get('X-CSRF-Token')).toBe('token-1')
  expect(call.headers.get('Idempotency-Key')).toMatch(/^[0-9a-f]{32}$/)
})

test('rejecting wants a reason', async () => {
  const sent = serve({ 'POST image/reject': {} })
  await show('/approvals/Web-1.0/Debian-12/1.2.0')
  await userEvent.click(screen.getByRole('button', { name: 'Reject…' }))
  const button = screen.getByRole<HTMLButtonElement>('button', { name: /^Reject, and remove/ })
  expect(button.disabled).toBe(true)
  await userEvent.type(screen.getByLabelText('Why is it rejected?'), 'old OpenSSL')
  await userEvent.click(button)
  await screen.findByText('Rejected.')
  expect(of(sent, 'image/reject')[0].body.reason).toBe('old OpenSSL')
})

test('a refusal of the server is shown, and the comment is kept', async () => {
  serve({
    'POST image/approve': () =>
      stream('event: error\ndata: {"status":409,"kind":"conflict","detail":"the evidence is another one","hint":"read it again"}\n\n'),
  })
  await show('/approvals/Web-1.0/Debian-12/1.2.0')
  await userEvent.type(screen.getByLabelText('Comment'), 'fine')
  await userEvent.click(screen.getByRole('button', { name: 'Approve' }))
  const alert = await screen.findByRole('alert')
  expect(alert.textContent).toContain('the evidence is another one')
  expect(screen.getByLabelText<HTMLTextAreaElement>('Comment').value).toBe('fine')
})

test('packages are compared when somebody asks', async () => {
  const evidence = (version: string) => ({
    written_files: { o: [{ name: 'evidence/sbom.cdx.json', content: JSON.stringify({ components: [{ name: 'openssl', version }] }) }] },
  })
  serve({ 'GET image/evidence': ({ query }: Sent) => evidence(query.get('ref') === 'Web-1.0/Debian-12/1.2.0' ? '3.0.16-1' : '3.0.15-1') })
  await show('/approvals/Web-1.0/Debian-12/1.2.0')
  await userEvent.click(screen.getByRole('button', { name: /^Compare with/ }))
  await screen.findByRole('region', { name: 'Packages that changed' })
  expect(screen.getByRole('row', { name: 'openssl changed 3.0.15-1 3.0.16-1' })).toBeTruthy()
})

test('a run is cancelled only after a second word', async () => {
  const sent = serve({ 'POST run/cancel': {} })
  const { run } = record<{ run: { run_id: string } }>('run_show_waiting')
  await show(`/runs/${run.run_id}`)
  await userEvent.click(screen.getByRole('button', { name: 'Cancel…' }))
  expect(of(sent, 'run/cancel')).toEqual([])
  await userEvent.click(screen.getByRole('button', { name: /^Stop it for good/ }))
  await waitFor(() => expect(of(sent, 'run/cancel')[0].body).toEqual({ id: run.run_id }))
})

test('a failed run can be tried again', async () => {
  const sent = serve({ 'POST run/retry': {} })
  const { run } = record<{ run: { run_id: string } }>('run_show_failed')
  await show(`/runs/${run.run_id}`)
  await userEvent.click(screen.getByRole('button', { name: 'Retry' }))
  await waitFor(() => expect(of(sent, 'run/retry')[0].body).toEqual({ id: run.run_id }))
})

test('the fleet is shown as of the last check and checked anew, the worst first', async () => {
  const sent = serve()
  await show('/fleet')
  expect(screen.getByRole('region', { name: 'Machines' })).toBeTruthy()
  expect(of(sent, 'compliance/check')).toEqual([])
  await userEvent.selectOptions(screen.getByLabelText('Over time, of'), 'Web-1.0/Debian-12')
  expect(screen.getByRole('img', { name: /^Open findings of Web-1.0.Debian-12: / })).toBeTruthy()
  await userEvent.click(screen.getByRole('button', { name: 'Check now' }))
  expect(of(sent, 'compliance/check').length).toBe(1)
  const machines = await screen.findByRole('region', { name: 'Machines' })
  const rows = machines.querySelectorAll('tbody tr')
  expect(rows[0].textContent).toContain('non-compliant')
  expect(rows[0].textContent).toContain('is not in /GoldenAMI/latest')
})

test('a product is launched by its own name', async () => {
  const sent = serve()
  await show('/catalog')
  await userEvent.type(screen.getAllByLabelText('Name')[0], 'shop')
  await userEvent.click(screen.getAllByRole('button', { name: 'Launch' })[0])
  await screen.findByText(/shop is available/)
  expect(of(sent, 'catalog/launch')[0].body).toEqual({ product_os: 'Base-1.0/Debian-12', name: 'shop' })
})

test('a log that does not hold is said loudly', async () => {
  serve({ 'POST audit/verify': { entries: 3, intact: false, key_id: 'k', last_digest: 'd', problems: ['entry 2 was edited'] } })
  await show('/audit')
  await userEvent.click(screen.getByRole('button', { name: 'Verify the log' }))
  expect((await screen.findByRole('alert')).textContent).toContain('entry 2 was edited')
})

test('logging in, and out again', async () => {
  let known = false
  const sent = serve({
    'GET session': () => (known ? admin : new Refusal(401, { kind: 'denied', detail: 'who is asking?' })),
    'POST session': ({ body }: Sent) => {
      known = body.password === 'right'
      return known ? admin : new Refusal(401, { kind: 'denied', detail: 'name or password is wrong' })
    },
    'DELETE session': {},
  })
  await show('/approvals')
  await userEvent.type(screen.getByLabelText('Name'), 'ada')
  await userEvent.type(screen.getByLabelText('Password'), 'wrong{enter}')
  expect((await screen.findByRole('alert')).textContent).toContain('name or password is wrong')
  await userEvent.clear(screen.getByLabelText('Password'))
  await userEvent.type(screen.getByLabelText('Password'), 'right{enter}')
  await screen.findByRole('heading', { name: /^Waiting for you/ })
  await settled()
  await userEvent.click(screen.getByRole('button', { name: 'Log out' }))
  await screen.findByLabelText('Password')
  expect(sent.find(({ method }) => method === 'DELETE')?.headers.get('X-CSRF-Token')).toBe('token-1')
})

test('letters go to pages, and the colours can be chosen', async () => {
  serve()
  await show('/approvals')
  await userEvent.keyboard('gi')
  await screen.findByRole('heading', { level: 1, name: 'Images' })
  await userEvent.selectOptions(screen.getByLabelText('Colours'), 'dark')
  expect(document.documentElement.dataset.theme).toBe('dark')
  await userEvent.selectOptions(screen.getByLabelText('Colours'), 'system')
  expect(document.documentElement.dataset.theme).toBeUndefined()
})
