/** The name of an operation in the document of the API: `getUsersUserId` of `GET /v1/users/{userId}`. */
export function operationId(method: string, path: string): string {
  const words = path
    .replace(/^\/v1/, '')
    .replace(/[{}]/g, '')
    .split(/[^A-Za-z0-9]+/)
    .filter((word) => word !== '');
  return [method, ...words]
    .map((word, index) => (index === 0 ? word : word.charAt(0).toUpperCase() + word.slice(1)))
    .join('');
}
